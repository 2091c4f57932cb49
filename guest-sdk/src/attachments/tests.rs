//! What is written is delivered, once, within the bounds.

use super::*;
use crate::sessions;
use std::io::{BufWriter, Write};

fn file(name: &str, bytes: &[u8]) -> Attachment {
    let mut file = Attachment::new(name).unwrap();
    file.push(bytes).unwrap();
    file
}

#[test]
fn files_are_delivered_together_with_what_is_said() {
    let session = sessions::fake::session("chat");
    let mut report = Attachment::with_type("report.md", "text/markdown").unwrap();
    report.push("# Today\n").unwrap();
    let mut buffered = BufWriter::new(&mut report);
    (0..3).for_each(|number| writeln!(buffered, "- {number}").unwrap());
    buffered.flush().unwrap();
    drop(buffered);
    assert_eq!(report.size(), 20);
    let sent = send(&session, [report, file("raw", &[0xff])], Caption::html("<b>so</b>")).unwrap();
    assert_eq!(sent, Delivered { id: "delivery-1".into(), types: vec!["text/markdown".into(), "application/octet-stream".into()] });
    let delivered = fake::delivered();
    assert_eq!((delivered.len(), delivered[0].session.as_str()), (1, "chat"));
    assert_eq!(delivered[0].caption, Some(Caption { text: "<b>so</b>".into(), format: CaptionFormat::Html }));
    assert_eq!(delivered[0].files[0].text(), Some("# Today\n- 0\n- 1\n- 2\n"));
    assert_eq!((delivered[0].files[1].name.as_str(), delivered[0].files[1].text()), ("raw", None));
    assert_eq!(fake::delivered(), [], "once");
}

#[test]
fn a_caption_is_a_choice() {
    let session = sessions::fake::session("chat");
    assert_eq!(send(&session, vec![file("a", b"x")], None).unwrap().types, ["text/plain"]);
    send(&session, Some(file("a", b"x")), Some(Caption::markdown("*so*"))).unwrap();
    let captions: Vec<_> = fake::delivered().into_iter().map(|delivery| delivery.caption.map(|caption| caption.format)).collect();
    assert_eq!(captions, [None, Some(CaptionFormat::Markdown)]);
}

#[test]
fn what_is_no_name_is_refused() {
    let code = |name: &str| Attachment::new(name).unwrap_err().code();
    let long = "a".repeat(256);
    for name in ["", " ", "a/b", "a\\b", "../a", ".", " .. ", "a\nb", long.as_str()] {
        assert_eq!(code(name), "invalid-input", "{name}");
    }
    assert_eq!(Attachment::new("..").unwrap_err().to_string(), "attachments.create (invalid-input): \"..\" is a path: expected a name");
    let session = sessions::fake::session("chat");
    send(&session, [file(&format!(" {}\n", "a".repeat(255)), b"x"), file("..a", b"x")], None).unwrap();
    let names: Vec<_> = fake::delivered().remove(0).files.into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["a".repeat(255), "..a".into()]);
}

#[test]
fn a_type_that_cannot_be_is_refused_when_the_file_is_handed_over() {
    let session = sessions::fake::session("chat");
    let typed = |claimed: &str| {
        let mut file = Attachment::with_type("a", claimed).unwrap();
        file.push("# x").unwrap();
        send(&session, [file], None)
    };
    assert_eq!(typed(" Text/Markdown").unwrap().types, ["text/markdown"]);
    for wrong in ["markdown", "text/html", "text/x-diff", "image/png", ""] {
        assert_eq!(typed(wrong).unwrap_err().code(), "invalid-input", "{wrong}");
    }
    let told = typed("Text/HTML").unwrap_err().to_string();
    assert_eq!(told, "attachments.send (invalid-input): \"a\" is said to be `Text/HTML` and is `text/plain`");
    let claims: Vec<_> = fake::delivered().into_iter().flat_map(|delivery| delivery.files).map(|file| file.content_type).collect();
    assert_eq!(claims, [Some(" Text/Markdown".into())], "as it was said");
}

#[test]
fn ten_files_and_25_mib_of_the_plugin_are_open_at_most() {
    let session = sessions::fake::session("chat");
    let mut files: Vec<Attachment> = (0..10).map(|_| file("a", b"x")).collect();
    assert_eq!(
        Attachment::new("a").unwrap_err().to_string(),
        "attachments.create (limit-exceeded): files of the plugin: 11 wanted, 10 allowed"
    );
    files.pop();
    files[0].push(vec![0; (25 << 20) - 9]).unwrap();
    assert_eq!(files[1].push("x").unwrap_err().code(), "limit-exceeded");
    assert_eq!(files[1].write(b"x").unwrap_err().to_string(), files[1].push("x").unwrap_err().to_string());
    assert_eq!(files[1].size(), 1, "nothing of it was written");
    send(&session, files, None).unwrap();
    assert!(file("a", b"x").push(vec![0; (25 << 20) - 1]).is_ok(), "there is room again");
}

#[test]
fn what_cannot_be_delivered_is_gone_and_leaves_room() {
    let session = sessions::fake::session("chat");
    let code = |files: Vec<Attachment>, caption: &str| send(&session, files, Caption::plain(caption)).unwrap_err().code();
    assert_eq!(code(Vec::new(), "x"), "invalid-input");
    assert_eq!(send(&session, Vec::new(), None).unwrap_err().code(), "invalid-input");
    assert_eq!(code(vec![file("a", b"x")], ""), "invalid-input");
    assert_eq!(code(vec![file("a", b"x")], &"ä".repeat(4_097)), "invalid-input");
    sessions::fake::delete("chat");
    (0..11).for_each(|_| assert_eq!(code(vec![file("a", b"x")], ""), "gone"));
    assert_eq!(fake::delivered(), []);
}
