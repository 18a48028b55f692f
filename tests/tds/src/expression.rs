//! Values and conditions.

use crate::error::SqlError;
use crate::kind::Kind;
use crate::lexer::Token;
use crate::parser::{Expr, Parser, literal};

const COMPARISONS: [&str; 9] = ["<=", ">=", "<>", "!=", "!<", "!>", "=", "<", ">"];

/// Whether values of the type are stored as text that does not sort and count as the numbers it stands for.
pub(crate) fn is_fraction(kind: Option<&Kind>) -> bool {
    match kind {
        Some(Kind::Decimal(precision, scale) | Kind::Numeric(precision, scale)) => {
            *scale > 0 || *precision > 18
        }
        Some(kind) => matches!(kind, Kind::Money | Kind::Smallmoney),
        None => false,
    }
}

/// Whether values of the type have one notation that others have to be brought into before they are compared.
fn has_notation(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Uniqueidentifier
            | Kind::Date
            | Kind::Time(_)
            | Kind::Datetime
            | Kind::Smalldatetime
            | Kind::Datetime2(_)
            | Kind::Datetimeoffset(_)
    )
}

fn is_text(kind: Option<&Kind>) -> bool {
    kind.is_some_and(Kind::is_text)
}

pub(crate) fn invalid_operand(kind: Option<&Kind>, what: &str) -> SqlError {
    let name = kind.map_or("NULL".to_owned(), |kind| kind.described().name);
    SqlError::new(8117, format!("Operand data type {name} is invalid for {what} operator."))
}

/// A declaration that [`Kind::parse`] reads.
pub(crate) fn declaration(kind: &Kind) -> String {
    let described = kind.described();
    let size = |length: i64| if length < 0 { "max".to_owned() } else { length.to_string() };
    match kind {
        Kind::Decimal(precision, scale) | Kind::Numeric(precision, scale) => {
            format!("{}({precision},{scale})", described.name)
        }
        Kind::Time(scale) | Kind::Datetime2(scale) | Kind::Datetimeoffset(scale) => {
            format!("{}({scale})", described.name)
        }
        Kind::Nchar(_) | Kind::Nvarchar(Some(_)) => {
            format!("{}({})", described.name, described.max_length / 2)
        }
        Kind::Char(_) | Kind::Varchar(_) | Kind::Nvarchar(None) | Kind::Binary(_) | Kind::Varbinary(_) => {
            format!("{}({})", described.name, size(described.max_length))
        }
        Kind::Bit | Kind::Tinyint | Kind::Smallint | Kind::Int | Kind::Bigint | Kind::Real | Kind::Float => {
            described.name
        }
        Kind::Money | Kind::Smallmoney | Kind::Text | Kind::Ntext | Kind::Image | Kind::Uniqueidentifier => {
            described.name
        }
        Kind::Date | Kind::Datetime | Kind::Smalldatetime | Kind::Rowversion | Kind::SqlVariant => {
            described.name
        }
        Kind::Xml | Kind::Clr(_) => described.name,
    }
}

/// A value brought into a type.
pub(crate) fn converted(sql: &str, kind: &Kind) -> String {
    format!("tds_cast({sql}, {})", literal(&declaration(kind)))
}

/// A value that is put into a column: what does not fit is refused and not cut.
pub(crate) fn assigned(sql: &str, kind: &Kind) -> String {
    format!("tds_assign({sql}, {})", literal(&declaration(kind)))
}

/// What a value is sorted by.
pub(crate) fn sort_key(value: &Expr) -> Result<String, SqlError> {
    let kind = value.kind.as_ref();
    if kind.is_some_and(|kind| kind.is_old_large_object() || matches!(kind, Kind::Xml | Kind::Clr(_))) {
        let problem = "The text, ntext, and image data types cannot be compared or sorted.";
        return Err(SqlError::new(306, problem));
    }
    Ok(if is_text(kind) && !value.sql.contains(" COLLATE ") {
        format!("rtrim({}) COLLATE NOCASE", value.sql)
    } else if is_fraction(kind) {
        format!("CAST({} AS REAL)", value.sql)
    } else {
        value.sql.clone()
    })
}

fn compared(left: &Expr, sign: &str, right: &Expr) -> Result<String, SqlError> {
    let sign = match sign {
        "!<" => ">=",
        "!>" => "<=",
        "!=" => "<>",
        other => other,
    };
    let fraction = [left, right].into_iter().find(|side| is_fraction(side.kind.as_ref()));
    if let Some(side) = fraction {
        return Err(invalid_operand(side.kind.as_ref(), "comparison"));
    }
    let notation =
        [left, right].into_iter().find_map(|side| side.kind.as_ref().filter(|kind| has_notation(kind)));
    if let Some(kind) = notation {
        return Ok(format!("{} {sign} {}", converted(&left.sql, kind), converted(&right.sql, kind)));
    }
    if [left, right].iter().any(|side| side.sql.contains(" COLLATE ")) {
        return Ok(format!("{} {sign} {}", left.sql, right.sql));
    }
    if is_text(left.kind.as_ref()) && is_text(right.kind.as_ref()) {
        return Ok(format!("rtrim({}) {sign} rtrim({}) COLLATE NOCASE", left.sql, right.sql));
    }
    Ok(format!("{} {sign} {}", left.sql, right.sql))
}

impl Parser<'_> {
    /// A condition: what may stand after WHERE.
    pub(crate) fn condition(&mut self) -> Result<String, SqlError> {
        let mut sql = self.conjunction()?;
        while self.take_word("OR") {
            sql = format!("{sql} OR {}", self.conjunction()?);
        }
        Ok(format!("({sql})"))
    }

    fn conjunction(&mut self) -> Result<String, SqlError> {
        let mut sql = self.negation()?;
        while self.take_word("AND") {
            sql = format!("{sql} AND {}", self.negation()?);
        }
        Ok(sql)
    }

    fn negation(&mut self) -> Result<String, SqlError> {
        if self.take_word("NOT") {
            return Ok(format!("NOT ({})", self.negation()?));
        }
        if self.take_word("EXISTS") {
            let query = self.parenthesised(|parser| parser.query())?;
            return Ok(format!("EXISTS ({})", query.sql));
        }
        if self.at_sign("(") {
            // A parenthesis may open a condition or a value.
            let (place, depth) = (self.place(), self.scopes.len());
            if let Ok(inner) = self.parenthesised(Self::condition) {
                return Ok(inner);
            }
            self.go_back(place);
            self.scopes.truncate(depth);
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Result<String, SqlError> {
        let left = self.value()?;
        if self.take_word("IS") {
            let not = if self.take_word("NOT") { "NOT " } else { "" };
            self.word("NULL")?;
            return Ok(format!("{} IS {not}NULL", left.sql));
        }
        let not = if self.take_word("NOT") { "NOT " } else { "" };
        if self.take_word("IN") {
            return self.membership(&left, not);
        }
        if self.take_word("BETWEEN") {
            let low = self.value()?;
            self.word("AND")?;
            let high = self.value()?;
            let both = format!("{} AND {}", compared(&left, ">=", &low)?, compared(&left, "<=", &high)?);
            return Ok(format!("{not}({both})"));
        }
        if self.take_word("LIKE") {
            let pattern = self.value()?;
            let escape = if self.take_word("ESCAPE") {
                format!(" ESCAPE {}", self.value()?.sql)
            } else {
                String::new()
            };
            return Ok(format!("{} {not}LIKE {}{escape}", left.sql, pattern.sql));
        }
        let sign = COMPARISONS.into_iter().find(|sign| not.is_empty() && self.at_sign(sign));
        let sign = sign.ok_or_else(|| self.unexpected())?;
        self.sign(sign)?;
        let right = self.value()?;
        compared(&left, sign, &right)
    }

    fn membership(&mut self, left: &Expr, not: &str) -> Result<String, SqlError> {
        self.sign("(")?;
        let inner = if self.at_word("SELECT") {
            format!("{} {not}IN ({})", left.sql, self.query()?.sql)
        } else {
            let each = |parser: &mut Self| {
                let value = parser.value()?;
                compared(left, "=", &value)
            };
            format!("{not}({})", self.listed(each)?.join(" OR "))
        };
        self.sign(")")?;
        Ok(inner)
    }

    /// A value.
    pub(crate) fn value(&mut self) -> Result<Expr, SqlError> {
        let mut left = self.product()?;
        while let Some(sign) = ["+", "-", "&", "|"].into_iter().find(|sign| self.at_sign(sign)) {
            self.sign(sign)?;
            let right = self.product()?;
            left = calculated(&left, sign, &right)?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr, SqlError> {
        let mut left = self.signed()?;
        while let Some(sign) = ["*", "/", "%"].into_iter().find(|sign| self.at_sign(sign)) {
            self.sign(sign)?;
            let right = self.signed()?;
            left = calculated(&left, sign, &right)?;
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Expr, SqlError> {
        if self.take_sign("-") {
            if let Some(Token::Number(digits)) = self.peek() {
                self.advance()?;
                return number("-", digits);
            }
            let value = self.signed()?;
            return Ok(Expr { sql: format!("-{}", value.sql), kind: value.kind, name: String::new() });
        }
        let value = self.primary()?;
        if self.take_word("COLLATE") {
            return self.collated(value);
        }
        Ok(value)
    }

    /// A text with a collation of its own: that of the code units, or the server's.
    fn collated(&mut self, value: Expr) -> Result<Expr, SqlError> {
        let collation = self.name()?;
        let sqlite = if collation.to_ascii_uppercase().ends_with("_BIN2") {
            "BINARY"
        } else if collation.eq_ignore_ascii_case("Finnish_Swedish_CI_AS") {
            "NOCASE"
        } else {
            return Err(SqlError::new(448, format!("Invalid collation '{collation}'.")));
        };
        if !is_text(value.kind.as_ref()) {
            return Err(invalid_operand(value.kind.as_ref(), "COLLATE"));
        }
        Ok(Expr { sql: format!("{} COLLATE {sqlite}", value.sql), ..value })
    }

    fn primary(&mut self) -> Result<Expr, SqlError> {
        let token = self.peek().ok_or_else(|| self.unexpected())?;
        match token {
            Token::Number(digits) => {
                self.advance()?;
                number("", digits)
            }
            Token::Text(text) => {
                self.advance()?;
                let length = u16::try_from(text.chars().count()).ok().filter(|length| *length <= 4000);
                Ok(Expr::new(literal(text), Kind::Nvarchar(length.map(|length| length.max(1)))))
            }
            Token::Binary(bytes) => {
                self.advance()?;
                let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                Ok(Expr::new(format!("X'{hex}'"), Kind::Varbinary(Some(8000))))
            }
            Token::Variable(name) => {
                self.advance()?;
                self.variable(name)
            }
            Token::Sign("(") => self.in_parentheses(),
            Token::Sign(_) => Err(self.unexpected()),
            Token::Word(word) if word.eq_ignore_ascii_case("NULL") => {
                self.advance()?;
                Ok(Expr { sql: "NULL".to_owned(), kind: None, name: String::new() })
            }
            Token::Word(word) if word.eq_ignore_ascii_case("CASE") => self.case(),
            Token::Word(_) if matches!(self.peek_after(1), Some(Token::Sign("("))) => self.call(),
            Token::Word(_) | Token::Name(_) => self.column(),
        }
    }

    fn in_parentheses(&mut self) -> Result<Expr, SqlError> {
        self.parenthesised(|parser| {
            if parser.at_word("SELECT") {
                let query = parser.query()?;
                let column = query.columns.into_iter().next().filter(|_| query.width == 1);
                let many = || SqlError::new(116, "Only one expression can be specified in the select list.");
                let kind = column.ok_or_else(many)?.kind;
                return Ok(Expr { sql: format!("({})", query.sql), kind, name: String::new() });
            }
            let value = parser.value()?;
            Ok(Expr { sql: format!("({})", value.sql), kind: value.kind, name: String::new() })
        })
    }

    fn variable(&mut self, name: &str) -> Result<Expr, SqlError> {
        let env = self.env;
        let known = match name {
            "@@VERSION" => Expr::new(literal(crate::functions::VERSION_TEXT), Kind::Nvarchar(Some(300))),
            "@@SPID" => Expr::new((env.connection + 50).to_string(), Kind::Smallint),
            "@@TRANCOUNT" => Expr::new(env.open_transactions.to_string(), Kind::Int),
            "@@ROWCOUNT" => Expr::new(env.rows_before.to_string(), Kind::Int),
            "@@LOCK_TIMEOUT" => Expr::new(env.lock_timeout.to_string(), Kind::Int),
            "@@SERVERNAME" => Expr::new("'TDS'", Kind::Nvarchar(Some(128))),
            _ => {
                let place = env.parameters.iter().position(|(known, _)| known == name);
                let unknown = || SqlError::new(137, format!("Must declare the scalar variable \"{name}\"."));
                let place = place.ok_or_else(unknown)?;
                Expr::new(format!("?{}", place + 1), env.parameters[place].1.clone())
            }
        };
        Ok(known)
    }

    fn case(&mut self) -> Result<Expr, SqlError> {
        self.word("CASE")?;
        let subject = if self.at_word("WHEN") { None } else { Some(self.value()?) };
        let (mut sql, mut kind) = ("CASE".to_owned(), None);
        while self.take_word("WHEN") {
            let when = match &subject {
                Some(subject) => {
                    let value = self.value()?;
                    compared(subject, "=", &value)?
                }
                None => self.condition()?,
            };
            self.word("THEN")?;
            let then = self.value()?;
            sql.push_str(&format!(" WHEN {when} THEN {}", then.sql));
            kind = kind.or(then.kind);
        }
        if self.take_word("ELSE") {
            let other = self.value()?;
            sql.push_str(&format!(" ELSE {}", other.sql));
            kind = kind.or(other.kind);
        }
        self.word("END")?;
        Ok(Expr { sql: format!("{sql} END"), kind, name: String::new() })
    }
}

/// A literal; its sign, if it has one, belongs to it, so that no digit is calculated away.
fn number(sign: &str, digits: &str) -> Result<Expr, SqlError> {
    let signed = format!("{sign}{digits}");
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.contains('.') {
        return Err(SqlError::near("literal"));
    }
    if signed.parse::<i32>().is_ok() {
        return Ok(Expr::new(signed, Kind::Int));
    }
    if signed.parse::<i64>().is_ok() {
        return Ok(Expr::new(signed, Kind::Bigint));
    }
    let sizes = u8::try_from(whole.len() + fraction.len()).ok().zip(u8::try_from(fraction.len()).ok());
    let (precision, scale) =
        sizes.filter(|(precision, _)| *precision <= 38).ok_or_else(|| SqlError::near("literal"))?;
    Ok(Expr::new(literal(&signed), Kind::Numeric(precision, scale)))
}

fn calculated(left: &Expr, sign: &str, right: &Expr) -> Result<Expr, SqlError> {
    let (one, other) = (left.kind.as_ref(), right.kind.as_ref());
    if sign == "+" && is_text(one) && is_text(other) {
        return Ok(Expr::new(format!("({} || {})", left.sql, right.sql), Kind::Nvarchar(Some(4000))));
    }
    let whole = |kind: Option<&Kind>| {
        matches!(kind, None | Some(Kind::Bit | Kind::Tinyint | Kind::Smallint | Kind::Int | Kind::Bigint))
    };
    if let Some(side) = [one, other].into_iter().find(|kind| !whole(*kind)) {
        return Err(invalid_operand(side, "this"));
    }
    let wide = [one, other].contains(&Some(&Kind::Bigint));
    Ok(Expr::new(format!("({} {sign} {})", left.sql, right.sql), if wide { Kind::Bigint } else { Kind::Int }))
}
