//! ODBC connection strings: `Keyword=value` pairs with semicolons between them, values in braces where needed.

use std::fmt::Write;

use crate::error::{Error, ErrorKind};

/// The words that drivers know the password by.
const PASSWORDS: [&str; 2] = ["pwd", "password"];

/// The pairs of a connection string in their order. Any value may be a secret: nothing here can be printed.
#[derive(Clone)]
pub(super) struct ConnectionString {
    pairs: Vec<(String, String)>,
}

impl ConnectionString {
    /// Reads a connection string. Keywords have no case; of one that stands twice the first counts.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] when it cannot be read, or holds a password. The text is not repeated.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut read = Self { pairs: Vec::new() };
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (keyword, after) = rest.split_once('=').ok_or_else(unreadable)?;
            let keyword = keyword.trim_matches([';', ' ']);
            let (value, after) = value(after.trim_start())?;
            if keyword.is_empty() || keyword.contains([';', '{', '}']) {
                return Err(unreadable());
            }
            if PASSWORDS.contains(&keyword.to_ascii_lowercase().as_str()) {
                let problem = "the connection string holds no password: name it in `password`";
                return Err(Error::new(ErrorKind::Settings, problem));
            }
            read.default(keyword, &value);
            rest = after.trim_start_matches([';', ' ']);
        }
        Ok(read)
    }

    /// The value of a keyword.
    pub(super) fn get(&self, keyword: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(keyword))
            .map(|(_, value)| value.as_str())
    }

    /// Adds a pair unless the keyword is there.
    pub(super) fn default(&mut self, keyword: &str, value: &str) {
        if self.get(keyword).is_none() {
            self.pairs.push((keyword.to_owned(), value.to_owned()));
        }
    }

    /// Takes a pair out.
    pub(super) fn remove(&mut self, keyword: &str) {
        self.pairs.retain(|(name, _)| !name.eq_ignore_ascii_case(keyword));
    }

    /// The text for the driver manager: the driver's file first, the password last.
    pub(super) fn text(&self, driver: &str, password: Option<&str>) -> String {
        let mut text = String::new();
        let pairs = self.pairs.iter().map(|(keyword, value)| (keyword.as_str(), value.as_str()));
        let password = password.map(|password| ("PWD", password));
        for (keyword, value) in [("Driver", driver)].into_iter().chain(pairs).chain(password) {
            let written = write!(text, "{keyword}={};", braced(value));
            written.expect("writing to a String does not fail");
        }
        text
    }
}

/// The value at the beginning of `text`, and what follows it.
fn value(text: &str) -> Result<(String, &str), Error> {
    let Some(mut rest) = text.strip_prefix('{') else {
        let end = text.find(';').unwrap_or(text.len());
        return Ok((text[..end].trim_end().to_owned(), &text[end..]));
    };
    let mut value = String::new();
    loop {
        let (part, after) = rest.split_once('}').ok_or_else(unreadable)?;
        value.push_str(part);
        // A brace within the value is doubled.
        match after.strip_prefix('}') {
            Some(after) => {
                value.push('}');
                rest = after;
            }
            None => return Ok((value, after)),
        }
    }
}

/// The value as it stands in a connection string. Some drivers take braces literally, so that they are only
/// written where a value needs them.
fn braced(value: &str) -> String {
    let plain = !value.contains(|c: char| "[]{}(),;?*=!@".contains(c)) && value.trim() == value;
    if plain { value.to_owned() } else { format!("{{{}}}", value.replace('}', "}}")) }
}

fn unreadable() -> Error {
    Error::new(
        ErrorKind::Settings,
        "the ODBC connection string was not understood: Keyword=value;Keyword=value",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_written() {
        let read =
            ConnectionString::parse("DRIVER={My } driver}} x}; Server = db ;UID=a=b;server=other;;").err();
        assert_eq!(read.unwrap().kind(), ErrorKind::Settings);
        let read =
            ConnectionString::parse("DRIVER={My }} driver};Server = db ;UID=a=b;server=other;;").unwrap();
        assert_eq!(read.get("driver"), Some("My } driver"));
        assert_eq!((read.get("SERVER"), read.get("uid"), read.get("x")), (Some("db"), Some("a=b"), None));
        let mut read = read;
        read.remove("driver");
        read.default("Server", "third");
        read.default("Fetch", "1");
        let text = read.text("/a/b.so", Some("x;y}z"));
        assert_eq!(text, "Driver=/a/b.so;Server=db;UID={a=b};Fetch=1;PWD={x;y}}z};");
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in ["Driver=x;PWD=hemligt", "driver=x;Password={hemligt}"] {
            let error = ConnectionString::parse(text).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Settings);
            assert!(!error.to_string().contains("hemligt"));
        }
    }

    #[test]
    fn what_is_no_connection_string_is_refused() {
        for text in ["x", "Driver=x;y", "Driver={x", "=x"] {
            assert_eq!(ConnectionString::parse(text).err().unwrap().kind(), ErrorKind::Settings, "{text}");
        }
        assert!(ConnectionString::parse("").unwrap().get("driver").is_none());
    }
}
