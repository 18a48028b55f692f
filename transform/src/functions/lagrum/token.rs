//! The words, numbers and signs of a reference to law.

/// References in the sources are short; a longer text is prose.
const MOST_TOKENS: usize = 64;

/// Room for the tokens of nearly every reference, so that it is not made in several steps.
const USUAL_TOKENS: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Number(u16),
    Word(&'t str),
    /// `§`.
    Sign,
    Colon,
    Dot,
    /// What stands between two sections: comma, plus, semicolon, ampersand, `och`, `samt`.
    And,
    Open,
    Close,
}

/// Takes a text apart; `None` when a character belongs in no reference. Numbers and words end where the
/// other begins, so that `4kap1§sol` needs no blanks.
pub(super) fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::with_capacity(USUAL_TOKENS);
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let kind: fn(char) -> bool = match first {
            _ if first.is_ascii_digit() => |character| character.is_ascii_digit(),
            _ if first.is_alphabetic() => char::is_alphabetic,
            _ => |_| false,
        };
        let end = rest.find(|character| !kind(character)).unwrap_or(rest.len()).max(first.len_utf8());
        let (piece, after) = rest.split_at(end);
        tokens.push(token(first, piece)?);
        if tokens.len() > MOST_TOKENS {
            return None;
        }
        rest = after.trim_start();
    }
    Some(tokens)
}

fn token(first: char, piece: &str) -> Option<Token<'_>> {
    match first {
        '0'..='9' => piece.parse().ok().map(Token::Number),
        '§' => Some(Token::Sign),
        ':' => Some(Token::Colon),
        '.' => Some(Token::Dot),
        ',' | '+' | ';' | '&' => Some(Token::And),
        '(' => Some(Token::Open),
        ')' => Some(Token::Close),
        _ if piece.eq_ignore_ascii_case("och") || piece.eq_ignore_ascii_case("samt") => Some(Token::And),
        _ if first.is_alphabetic() => Some(Token::Word(piece)),
        _ => None,
    }
}
