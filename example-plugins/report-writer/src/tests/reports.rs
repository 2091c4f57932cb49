//! What the agent writes.

use super::*;

fn write(plugin: &ReportWriter, title: &str, of: &[(&str, &str)], format: Option<Format>) -> ToolResult {
    plugin.write_report(&chat(), Written { title: title.into(), sections: sections(of), format })
}

#[test]
fn a_report_is_a_file_with_title_contents_and_sections() {
    let answer =
        write(&plugin(json!({})), " Week 3:\n costs ", &[("Summary", "We spent **less**.\n\n- a\n- b"), ("Open", "Nothing.")], None);
    assert!(!answer.is_error && answer.content.contains("Delivered as week-3-costs-2"), "{answer:?}");
    let (file, caption) = one();
    assert_eq!((caption.as_str(), file.content_type.as_deref()), ("Week 3: costs", Some("text/markdown")));
    assert!(file.name.starts_with("week-3-costs-2") && file.name.ends_with(".md"), "{}", file.name);
    let text = file.text().unwrap();
    assert!(text.starts_with("# Week 3: costs\n\nWritten 2") && text.contains("by the agent of session chat"), "{text}");
    assert!(text.contains("## Contents\n\n1. [Summary](#1-summary)\n2. [Open](#2-open)\n"), "{text}");
    assert!(text.ends_with("\n## 1. Summary\n\nWe spent **less**.\n\n- a\n- b\n\n## 2. Open\n\nNothing.\n"), "{text}");
}

#[test]
fn the_format_is_the_agents_or_the_operators() {
    let plugin = plugin(json!({ "format": "html" }));
    write(&plugin, "A", &[("B", "=1+1 <b>")], None);
    let (page, _) = one();
    assert_eq!((page.content_type.as_deref(), page.name.ends_with(".html")), (None, true), "the host says what a page is");
    assert!(page.text().unwrap().contains("<h2 id=\"s1\">1. B</h2>\n<p>=1+1 &lt;b&gt;</p>") && page.text().unwrap().ends_with("</html>\n"));
    write(&plugin, "A", &[("B", "=1+1"), ("C", "x, \"y\"")], Some(Format::Csv));
    let (table, _) = one();
    assert_eq!(table.text().unwrap(), "number,heading,text\r\n1,B,'=1+1\r\n2,C,\"x, \"\"y\"\"\"\r\n");
    assert_eq!((table.content_type.as_deref(), table.name.ends_with(".csv")), (Some("text/csv"), true));
}

#[test]
fn names_of_files_are_harmless() {
    let plugin = plugin(json!({}));
    for (title, begins) in
        [("../../etc/passwd", "etc-passwd-2"), ("Größe", "gr-e-2"), ("報告", "report-2"), (&"long ".repeat(40), "long-long")]
    {
        write(&plugin, title.trim(), &[("a", "b")], None);
        let (file, _) = one();
        assert!(file.name.starts_with(begins) && file.name.len() < 80, "{}", file.name);
        assert!(file.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)), "{}", file.name);
    }
}

#[test]
fn what_is_no_good_is_refused_by_name_and_nothing_is_delivered() {
    let plugin = plugin(json!({}));
    let long = "x".repeat(201);
    let many = vec![("a", "b"); 101];
    let text = "ä".repeat(60_001);
    for (title, of, says) in [
        (" \u{7}", &[("a", "b")][..], "`title` is empty"),
        (&long, &[("a", "b")], "`title` has 201 characters, 200 are allowed"),
        ("t", &[], "`sections` is empty"),
        ("t", &many, "`sections` has 101 entries"),
        ("t", &[("a", "b"), ("", "b")], "the heading of section 2 is empty"),
        ("t", &[("a", &text)], "the text of section 1 has 60001 characters, 60000 are allowed"),
    ] {
        let answer = write(&plugin, title, of, None);
        assert!(answer.is_error && answer.content.contains(says), "{answer:?}");
    }
    let nowhere = plugin.write_report(&Call::default(), Written { title: "t".into(), sections: sections(&[("a", "b")]), format: None });
    assert!(nowhere.is_error && nowhere.content.contains("about no session"));
    let call = chat();
    sessions::fake::delete("chat");
    let gone = plugin.write_report(&call, Written { title: "t".into(), sections: sections(&[("a", "b")]), format: None });
    assert!(gone.is_error && gone.content.contains("There is no report"), "{gone:?}");
    assert!(delivered().is_empty());
}

#[test]
fn a_full_outbox_is_said_to_the_agent() {
    let open: Vec<Attachment> = (0..10).map(|number| Attachment::new(&format!("{number}")).unwrap()).collect();
    let answer = write(&plugin(json!({})), "t", &[("a", "b")], None);
    assert!(answer.is_error && answer.content.contains("nothing was delivered: attachments.create (limit-exceeded)"), "{answer:?}");
    drop(open);
    assert!(!write(&plugin(json!({})), "t", &[("a", "b")], None).is_error);
}

#[test]
fn settings_out_of_range_are_refused() {
    for entries in [0, 50_001] {
        let error = ReportWriter::activate(&activation(), serde_json::from_value(json!({ "entries": entries })).unwrap()).err().unwrap();
        assert!(error.to_string().contains("`entries` of report-writer"), "{error}");
    }
    assert!(serde_json::from_value::<Settings>(json!({ "format": "pdf" })).is_err());
}
