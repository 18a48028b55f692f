//! Names as SQL text. The only place where names from a database or a mapping enter a statement of these dialects.

/// A name in the double quotation marks of the standard, as SQLite and PostgreSQL take it.
#[must_use]
pub fn in_quotes(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name in backticks, as MySQL and MariaDB take it.
#[must_use]
pub fn in_backticks(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_in_a_name_does_not_end_it() {
        assert_eq!(in_quotes("od\"d; å"), "\"od\"\"d; å\"");
        assert_eq!(in_backticks("od`d"), "`od``d`");
    }
}
