//! `Authorization: Bearer <token>`, and no other form.
//!
//! Costs a pass over the header. No refusal repeats what was presented.

use super::Refused;
use super::secret::is_token;

/// The token that a request presents: given all values of its `Authorization` headers.
///
/// # Errors
/// [`Refused::Missing`] without a header, [`Refused::Malformed`] for several, another scheme, or what can't be a token.
pub fn bearer<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Result<&'a str, Refused> {
    let mut headers = headers.into_iter();
    let header = headers.next().ok_or(Refused::Missing)?;
    if headers.next().is_some() {
        return Err(Refused::Malformed("there is more than one Authorization header"));
    }
    let text = std::str::from_utf8(header).map_err(|_| Refused::Malformed("the Authorization header isn't text"))?;
    let (scheme, token) = text.split_once(' ').ok_or(Refused::Malformed("the Authorization header has no token"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refused::Malformed("the scheme of the Authorization header isn't Bearer"));
    }
    if !is_token(token) {
        return Err(Refused::Malformed("what stands after Bearer isn't plugbay_ and 43 letters, digits, hyphens and underscores"));
    }
    Ok(token)
}
