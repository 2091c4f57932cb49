//! What a method may answer.
//!
//! What it is for: `Result` with any error that can be shown, or the plain value where nothing can fail. What it costs: nothing but the
//! error's text. How it fails: another type is a compile error where the author wrote it.

use std::fmt::Display;

/// Something that a plugin's method may answer where the host wants a `T`.
#[diagnostic::on_unimplemented(
    message = "a plugin's method can't answer `{Self}` here",
    label = "`Result<{T}>` is expected, or `{T}` where nothing can fail"
)]
pub trait IntoAnswer<T> {
    /// The answer as the host gets it: an error is its text.
    ///
    /// # Errors
    ///
    /// The author's own.
    fn into_answer(self) -> Result<T, String>;
}

impl<T> IntoAnswer<T> for T {
    fn into_answer(self) -> Result<T, String> {
        Ok(self)
    }
}

impl<T, E: Display> IntoAnswer<T> for Result<T, E> {
    fn into_answer(self) -> Result<T, String> {
        self.map_err(|error| error.to_string())
    }
}

/// What a method that can fail answered, made into what the host wants.
///
/// # Errors
///
/// The author's own, or what `into` says.
pub fn fallible<T, E: Display, A>(answer: Result<T, E>, into: impl FnOnce(T) -> Result<A, String>) -> Result<A, String> {
    into(answer.map_err(|error| error.to_string())?)
}

/// The error of a name under which the plugin offers nothing: no tool, no action.
#[must_use]
pub fn not_offered(word: &str, name: &str) -> String {
    format!("this plugin has no {word} `{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_and_results_of_any_error_will_do() {
        assert_eq!(IntoAnswer::<Option<u8>>::into_answer(Some(1)), Ok(Some(1)));
        assert_eq!(IntoAnswer::<()>::into_answer(()), Ok(()));
        assert_eq!(IntoAnswer::<u8>::into_answer(Err::<u8, _>("text")), Err("text".into()));
        assert_eq!(IntoAnswer::<u8>::into_answer(Err::<u8, _>(crate::Error::new("own"))), Err("own".into()));
    }

    #[test]
    fn an_error_stays_and_an_answer_is_made_into_another() {
        assert_eq!(fallible(Ok::<_, crate::Error>(1), |one| Ok(one + 1)), Ok(2));
        assert_eq!(fallible(Ok::<_, crate::Error>(1), |_| Err::<u8, _>("no".into())), Err("no".into()));
        assert_eq!(fallible(Err::<u8, _>(crate::Error::new("own")), Ok), Err("own".into()));
    }
}
