//! Draws a diagnostic: the file, the line, a caret and a way out.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use bron_mappings::{Diagnostic, Severity};

/// Draws a diagnostic over the text of its file, when there is one.
pub(crate) fn render(diagnostic: &Diagnostic, text: Option<&str>) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = match text {
        Some(text) if !text.is_empty() => {
            let end = diagnostic.span.end.min(text.len());
            let start = diagnostic.span.start.min(end);
            let span = if start == end { start..(start + 1).min(text.len()) } else { start..end };
            let mark = AnnotationKind::Primary.span(span).label(diagnostic.label.as_str());
            title.element(Snippet::source(text).path(diagnostic.file.as_str()).annotation(mark))
        }
        _ => title.element(Level::NOTE.message(format!("in {}", diagnostic.file))),
    };
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let report: &[Group<'_>] = &[group];
    format!("{}\n", Renderer::styled().render(report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_and_the_way_out_are_shown() {
        let diagnostic = Diagnostic {
            code: "BRON-M010",
            severity: Severity::Error,
            file: "paraply/beslut.toml".to_owned(),
            span: 7..15,
            message: "unknown column `GALL_TON`".to_owned(),
            label: "not known".to_owned(),
            help: Some("did you mean `GALL_TOM`?".to_owned()),
        };
        let drawn = anstream::adapter::strip_str(&render(&diagnostic, Some("from = GALL_TON\n"))).to_string();
        for part in ["BRON-M010", "paraply/beslut.toml:1:8", "^^^^^^^^", "did you mean `GALL_TOM`?"] {
            assert!(drawn.contains(part), "{part} is not in:\n{drawn}");
        }
    }
}
