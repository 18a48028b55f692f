//! A dialect, checked and ready for use.

use bron_mappings::CsvDialect;

use crate::charset::Charset;
use crate::error::{Error, ErrorKind};

/// How the bytes of a file become lines, fields and text.
#[derive(Clone)]
pub(super) struct Layout {
    pub(super) name: String,
    until: Option<String>,
    pub(super) charset: Charset,
    pub(super) separator: u8,
    pub(super) quoting: bool,
    pub(super) crlf: bool,
}

impl Layout {
    pub(super) fn new(dialect: &CsvDialect) -> Result<Self, Error> {
        let wrong =
            |problem: &str| Error::new(ErrorKind::Settings, format!("dialect {}: {problem}", dialect.name));
        let charset = Charset::named(&dialect.encoding).ok_or_else(|| {
            wrong("the encoding is neither UTF-8 nor a known one with one byte per character")
        })?;
        let separator = dialect.separator;
        if !charset.keeps(separator) || matches!(separator, b'\n' | b'\r' | b'"') {
            return Err(wrong("this character cannot separate fields"));
        }
        Ok(Self {
            name: dialect.name.clone(),
            until: dialect.until.clone(),
            charset,
            separator,
            quoting: dialect.quoting,
            crlf: dialect.crlf,
        })
    }

    /// The layout of a period: the first that is used until it or later. Without a period, the last.
    pub(super) fn of_period<'a>(layouts: &'a [Self], period: Option<&str>) -> Option<&'a Self> {
        let Some(period) = period else { return layouts.last() };
        layouts.iter().find(|layout| match layout.until.as_deref() {
            None => true,
            Some(until) => period <= until || period.starts_with(until),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(name: &str, until: Option<&str>) -> CsvDialect {
        CsvDialect {
            name: name.to_owned(),
            until: until.map(str::to_owned),
            encoding: "windows-1252".to_owned(),
            separator: b';',
            quoting: false,
            crlf: true,
            bom: false,
        }
    }

    #[test]
    fn the_period_decides() {
        let dialects = [dialect("v1", Some("201505")), dialect("v2", Some("201912")), dialect("v3", None)];
        let layouts: Vec<Layout> = dialects.iter().map(|one| Layout::new(one).unwrap()).collect();
        let name = |period| Layout::of_period(&layouts, period).unwrap().name.clone();
        let periods = ["201401", "201505", "20150531", "201506", "201912", "20191231", "202001"];
        assert_eq!(periods.map(|period| name(Some(period))), ["v1", "v1", "v1", "v2", "v2", "v2", "v3"]);
        assert_eq!(name(None), "v3");
        assert!(Layout::of_period(&layouts[..1], Some("2020")).is_none());
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        for (encoding, separator) in
            [("utf-16le", b';'), ("nonsense", b';'), ("utf-8", b'\n'), ("iso646-se", b'|')]
        {
            let dialect = CsvDialect { encoding: encoding.to_owned(), separator, ..dialect("v1", None) };
            assert!(
                Layout::new(&dialect).is_err_and(|error| error.kind() == ErrorKind::Settings),
                "{encoding}"
            );
        }
    }
}
