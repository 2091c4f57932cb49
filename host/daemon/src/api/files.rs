//! Files of plugins, handed out so that nothing of them is run by who fetches them.
//!
//! Whatever a file says of itself, it is saved, not shown: no page of ours is its origin, and nobody guesses what it might be. It is read as it is sent, a piece at a time: 64 KiB of
//! memory. A file that has become shorter meanwhile breaks the connection, so that nobody takes a part for the whole.

use super::refusal::Refusal;
use crate::host::{Failure, Opened};
use crate::output::is_treacherous;
use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::io::{self, ErrorKind};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;
/// What a file is whose type no header can say.
const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// What RFC 5987 lets stand for itself.
const AS_IT_IS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The file as an answer.
///
/// # Errors
/// If its size can't be found out.
pub(super) async fn handed_out(Opened { about, file }: Opened) -> Result<Response, Refusal> {
    let file = File::from_std(file);
    let bytes = file.metadata().await.map_err(Failure::internal)?.len();
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (CACHE_CONTROL, "private, no-store"),
    ];
    let found = [
        (CONTENT_TYPE, HeaderValue::try_from(&about.content_type).unwrap_or(BYTES)),
        (CONTENT_LENGTH, HeaderValue::from(bytes)),
        (CONTENT_DISPOSITION, disposition(&about.name)),
    ];
    Ok((fixed, found, Body::from_stream(pieces(file, bytes))).into_response())
}

/// That it is to be saved, and under which name: once for those who know only ASCII, once in full.
fn disposition(name: &str) -> HeaderValue {
    let name: String = name.chars().map(|c| if is_treacherous(c) || matches!(c, '/' | '\\') { '_' } else { c }).collect();
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' }).collect();
    let text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(&name, AS_IT_IS));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// So many bytes of a file, read as they are wanted.
fn pieces(file: File, bytes: u64) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((file, bytes), async |(mut file, left)| {
        if left == 0 {
            return Ok(None);
        }
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut piece = BytesMut::with_capacity(most);
        let read = (&mut file).take(most as u64).read_buf(&mut piece).await?;
        if read == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "the file has become shorter"));
        }
        Ok(Some((piece.freeze(), (file, left.saturating_sub(read as u64)))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt;

    #[test]
    fn no_name_breaks_the_header() {
        for (name, text) in [
            ("report.md", "attachment; filename=\"report.md\"; filename*=UTF-8''report.md"),
            ("a\"; x=\"y.txt", "attachment; filename=\"a__ x__y.txt\"; filename*=UTF-8''a%22%3B%20x%3D%22y.txt"),
            ("a\r\nSet-Cookie: x", "attachment; filename=\"a__Set-Cookie_ x\"; filename*=UTF-8''a__Set-Cookie%3A%20x"),
            ("Grüße 100%.pdf", "attachment; filename=\"Gr__e 100_.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20100%25.pdf"),
            ("gpj\u{202e}exe.", "attachment; filename=\"gpj_exe.\"; filename*=UTF-8''gpj_exe."),
            ("../..\\x", "attachment; filename=\".._.._x\"; filename*=UTF-8''.._.._x"),
            ("a'b*c", "attachment; filename=\"a_b_c\"; filename*=UTF-8''a%27b%2Ac"),
        ] {
            assert_eq!(disposition(name).to_str().unwrap(), text);
        }
    }

    #[tokio::test]
    async fn a_file_comes_in_pieces_and_one_that_is_too_short_breaks_off() {
        let whole: Vec<u8> = (0..150_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut kept = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut kept, &whole).unwrap();
        let read = async |bytes: u64| {
            let mut file = kept.try_clone().unwrap();
            io::Seek::rewind(&mut file).unwrap();
            Box::pin(pieces(File::from_std(file), bytes)).try_collect::<Vec<_>>().await
        };
        let pieces = read(150_000).await.unwrap();
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() <= PIECE));
        assert!(pieces.concat() == whole);
        assert_eq!(read(10).await.unwrap().concat(), &whole[..10]);
        assert_eq!(read(150_001).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
