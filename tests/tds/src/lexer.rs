//! The words of a T-SQL text.

use crate::error::SqlError;

/// A word, a literal or a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A bare word: a keyword, a function or a name.
    Word(String),
    /// A name in brackets or double quotes.
    Name(String),
    /// A parameter or variable with its `@`, or a system value with `@@`; in capitals.
    Variable(String),
    Number(String),
    Text(String),
    Binary(Vec<u8>),
    Sign(&'static str),
}

impl Token {
    /// The token as an error message shows it. A literal is not shown: it may be somebody's.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Name(text) | Self::Variable(text) => text.clone(),
            Self::Sign(sign) => (*sign).to_owned(),
            Self::Number(_) | Self::Text(_) | Self::Binary(_) => "literal".to_owned(),
        }
    }

    /// The token inside the parentheses of a declared type.
    pub(crate) fn source_of_type(&self) -> Option<String> {
        match self {
            Self::Number(digits) => Some(digits.clone()),
            Self::Sign(",") => Some(",".to_owned()),
            Self::Sign(_)
            | Self::Word(_)
            | Self::Name(_)
            | Self::Variable(_)
            | Self::Text(_)
            | Self::Binary(_) => None,
        }
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found.eq_ignore_ascii_case(word))
    }
}

const SIGNS: [&str; 22] = [
    "<=", ">=", "<>", "!=", "!<", "!>", "(", ")", ",", ".", ";", "*", "+", "-", "/", "%", "=", "<", ">", "&",
    "|", "^",
];

/// Takes a text apart.
pub(crate) fn tokens(sql: &str) -> Result<Vec<Token>, SqlError> {
    let mut found = Vec::new();
    let mut rest = sql;
    loop {
        rest = without_space(rest)?;
        if rest.is_empty() {
            return Ok(found);
        }
        let (token, after) = next(rest)?;
        found.push(token);
        rest = after;
    }
}

fn without_space(mut rest: &str) -> Result<&str, SqlError> {
    loop {
        rest = rest.trim_start();
        if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map(|(_, after)| after).ok_or_else(|| SqlError::near("/*"))?;
        } else {
            return Ok(rest);
        }
    }
}

fn next(rest: &str) -> Result<(Token, &str), SqlError> {
    if let Some(after) = rest.strip_prefix('[') {
        return quoted(after, ']').map(|(name, after)| (Token::Name(name), after));
    }
    if let Some(after) = rest.strip_prefix('"') {
        return quoted(after, '"').map(|(name, after)| (Token::Name(name), after));
    }
    let national = rest.strip_prefix(['N', 'n']).filter(|after| after.starts_with('\''));
    if let Some(after) = national.unwrap_or(rest).strip_prefix('\'') {
        return quoted(after, '\'').map(|(text, after)| (Token::Text(text), after));
    }
    if rest.starts_with("0x") || rest.starts_with("0X") {
        let (digits, after) = rest[2..].split_at(run(&rest[2..], |one| one.is_ascii_hexdigit()));
        return bytes(digits).map(|bytes| (Token::Binary(bytes), after)).ok_or_else(|| SqlError::near("0x"));
    }
    if rest.starts_with(|one: char| one.is_ascii_digit()) {
        let (number, after) = rest.split_at(run(rest, |one| one.is_ascii_digit() || one == '.'));
        return Ok((Token::Number(number.to_owned()), after));
    }
    let in_word = |one: char| one.is_alphanumeric() || matches!(one, '_' | '@' | '#' | '$');
    if rest.starts_with(|one: char| one.is_alphabetic() || matches!(one, '_' | '@' | '#')) {
        let (word, after) = rest.split_at(run(rest, in_word));
        let token = if word.starts_with('@') {
            Token::Variable(word.to_ascii_uppercase())
        } else {
            Token::Word(word.to_owned())
        };
        return Ok((token, after));
    }
    let sign = SIGNS
        .iter()
        .find(|sign| rest.starts_with(**sign))
        .ok_or_else(|| SqlError::near(&rest[..1.min(rest.len())]));
    sign.map(|sign| (Token::Sign(sign), &rest[sign.len()..]))
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|one| !belongs(one)).unwrap_or(text.len())
}

/// The text up to the closing sign, which stands twice where it is meant.
fn quoted(text: &str, close: char) -> Result<(String, &str), SqlError> {
    let mut inner = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(close) {
        inner.push_str(before);
        match after.strip_prefix(close) {
            Some(more) => {
                inner.push(close);
                rest = more;
            }
            None => return Ok((inner, after)),
        }
    }
    Err(SqlError::new(105, "Unclosed quotation mark after the character string."))
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart() {
        let found =
            tokens("SELECT [a]]b], N'it''s' -- x\n FROM \"T\" /* y */ WHERE @p1>=0x0aF AND 1.50<>@@spid;")
                .unwrap();
        let word = |text: &str| Token::Word(text.to_owned());
        assert_eq!(
            found,
            [
                word("SELECT"),
                Token::Name("a]b".to_owned()),
                Token::Sign(","),
                Token::Text("it's".to_owned()),
                word("FROM"),
                Token::Name("T".to_owned()),
                word("WHERE"),
                Token::Variable("@P1".to_owned()),
                Token::Sign(">="),
                Token::Binary(vec![0, 0xaf]),
                word("AND"),
                Token::Number("1.50".to_owned()),
                Token::Sign("<>"),
                Token::Variable("@@SPID".to_owned()),
                Token::Sign(";"),
            ]
        );
    }

    #[test]
    fn what_does_not_end_is_refused() {
        for wrong in ["'abc", "[abc", "/* abc", "SELECT ?", "a ` b"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn errors_show_no_literal() {
        assert_eq!(Token::Text("hemligt".to_owned()).shown(), "literal");
    }
}
