//! Reports as tables, as RFC 4180 has them.
//!
//! What it is for: spreadsheets. What it costs: one pass over each text. How it fails: it doesn't. A spreadsheet takes what begins with `=` and the like for a formula: such a cell has a `'` before it.

/// A row.
pub(crate) fn row(cells: &[impl AsRef<str>]) -> String {
    let mut row = cells.iter().map(|text| cell(text.as_ref())).collect::<Vec<_>>().join(",");
    row.push_str("\r\n");
    row
}

fn cell(text: &str) -> String {
    let harmless = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if harmless.contains([',', '"', '\n', '\r']) || harmless.trim() != harmless {
        format!("\"{}\"", harmless.replace('"', "\"\""))
    } else {
        harmless
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_have_to_be() {
        assert_eq!(row(&["a", "b c", ""]), "a,b c,\r\n");
        assert_eq!(row(&["a,b", "say \"hi\"", "x\ny", " z"]), "\"a,b\",\"say \"\"hi\"\"\",\"x\ny\",\" z\"\r\n");
    }

    #[test]
    fn nothing_is_a_formula() {
        assert_eq!(row(&["=1+1", "+1", "-1", "@a", "\tb", "a=b"]), "'=1+1,'+1,'-1,'@a,'\tb,a=b\r\n");
        assert_eq!(row(&["=a,\"b\""]), "\"'=a,\"\"b\"\"\"\r\n");
    }
}
