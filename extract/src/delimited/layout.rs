//! A dialect, checked and ready for use.

use bron_mappings::CsvDialect;

use super::pattern::Pattern;
use crate::charset::Charset;
use crate::error::{Error, ErrorKind};

/// How the bytes of a file become lines, fields and text.
#[derive(Clone)]
pub(super) struct Layout {
    pub(super) name: String,
    files: Option<Pattern>,
    from: Option<String>,
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
        let files = match &dialect.files {
            None => None,
            Some(files) => {
                Some(Pattern::parse(files).ok_or_else(|| wrong("its pattern of file names makes no sense"))?)
            }
        };
        Ok(Self {
            name: dialect.name.clone(),
            files,
            from: dialect.from.clone(),
            until: dialect.until.clone(),
            charset,
            separator,
            quoting: dialect.quoting,
            crlf: dialect.crlf,
        })
    }

    /// The layout of a file: the first for its period among those for files of its name, or else among those for
    /// all files. Without a period, the last.
    pub(super) fn of_file<'a>(layouts: &'a [Self], file: &str, period: Option<&str>) -> Option<&'a Self> {
        let own = |layout: &&Self| layout.files.as_ref().is_some_and(|files| files.captures(file).is_some());
        let general = |layout: &&Self| layout.files.is_none();
        let Some(period) = period else {
            return layouts.iter().rfind(own).or_else(|| layouts.iter().rfind(general));
        };
        let mut mine = layouts.iter().filter(own).chain(layouts.iter().filter(general));
        mine.find(|layout| layout.is_of(period))
    }

    fn is_of(&self, period: &str) -> bool {
        self.from.as_deref().is_none_or(|from| period >= from)
            && self.until.as_deref().is_none_or(|until| period <= until || period.starts_with(until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(name: &str, until: Option<&str>) -> CsvDialect {
        let until = until.map(str::to_owned);
        CsvDialect { until, crlf: true, ..CsvDialect::new(name, "windows-1252", b';') }
    }

    #[test]
    fn the_period_decides() {
        let dialects = [dialect("v1", Some("201505")), dialect("v2", Some("201912")), dialect("v3", None)];
        let layouts: Vec<Layout> = dialects.iter().map(|one| Layout::new(one).unwrap()).collect();
        let name = |period| Layout::of_file(&layouts, "besok.csv", period).unwrap().name.clone();
        let periods = ["201401", "201505", "20150531", "201506", "201912", "20191231", "202001"];
        assert_eq!(periods.map(|period| name(Some(period))), ["v1", "v1", "v1", "v2", "v2", "v2", "v3"]);
        assert_eq!(name(None), "v3");
        assert!(Layout::of_file(&layouts[..1], "besok.csv", Some("2020")).is_none());
    }

    #[test]
    fn a_dialect_for_some_files_goes_before_those_for_all() {
        let own = CsvDialect {
            files: Some("besok_{period}_U07.csv".to_owned()),
            from: Some("201403".to_owned()),
            ..dialect("dos", Some("201407"))
        };
        let layouts = [dialect("v1", Some("201505")), own, dialect("v2", None)];
        let layouts: Vec<Layout> = layouts.iter().map(|one| Layout::new(one).unwrap()).collect();
        let name = |sender: &str, period: &str| {
            let file = format!("besok_{period}_{sender}.csv");
            Layout::of_file(&layouts, &file, Some(period)).unwrap().name.clone()
        };
        let periods = ["201402", "201403", "20140731", "201408", "201506"];
        assert_eq!(periods.map(|period| name("U07", period)), ["v1", "dos", "dos", "v1", "v2"]);
        assert_eq!(periods.map(|period| name("U08", period)), ["v1", "v1", "v1", "v1", "v2"]);
        assert_eq!(Layout::of_file(&layouts, "besok_x_U07.csv", None).unwrap().name, "dos");
        let senseless = CsvDialect { files: Some("a}b".to_owned()), ..dialect("v1", None) };
        assert!(Layout::new(&senseless).is_err_and(|error| error.kind() == ErrorKind::Settings));
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
