//! Reads the files of retention.

use crate::diagnostic::Diagnostic;
use crate::document::{Placed, Reporter, Section, read_document};
use crate::mapping::{Day, PERSON_ENTITY};
use crate::model::Model;
use crate::retention::{
    Disposition, Exemption, ExemptionGround, LegalStatus, NamedByRetention, Retention, RetentionFinish,
    RetentionRule, RetentionTrigger,
};

impl Retention {
    /// Reads one file and adds what it says.
    pub(crate) fn add(&mut self, file: &str, text: &str) -> Vec<Diagnostic> {
        let mut report = Reporter::new(file);
        read_document(text, &mut report, |root, report| {
            if let Some(mut policy) = root.section("policy", report) {
                self.overdue =
                    one_of(&mut policy, "overdue", Disposition::ALL, report).unwrap_or(self.overdue);
                let open = policy.texts("while_open", report).unwrap_or_default();
                self.named.things.extend(open.iter().map(|name| (report.file.to_owned(), name.clone())));
                self.while_open.extend(open.into_iter().map(|name| name.text));
                policy.finish(report);
            }
            for mut section in root.sections("rule", report) {
                if let Some(rule) = read_rule(&mut section, report) {
                    self.add_rule(rule, &section, report);
                }
            }
            for mut section in root.sections("exemption", report) {
                let exemption = read_exemption(&mut section, &mut self.named, report);
                self.exemptions.extend(exemption);
            }
        });
        report.found
    }

    fn add_rule(&mut self, rule: RetentionRule, section: &Section<'_, '_>, report: &mut Reporter<'_>) {
        let versions = self.rules.entry(rule.name.clone()).or_default();
        if versions.iter().any(|other| other.valid_from == rule.valid_from) {
            let message = format!("rule `{}` has two versions from the same day", rule.name);
            report.error("BRON-M068", &section.span, message, "again");
        }
        versions.push(rule);
        versions.sort_by(|one, other| one.valid_from.cmp(&other.valid_from));
    }

    /// Checks the names against each other and against the model.
    pub(crate) fn check(&self, model: &Model) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (file, name) in &self.named.things {
            if !model.entities.contains_key(&name.text) && !self.rules.contains_key(&name.text) {
                let mut report = Reporter::new(file);
                let known = model.entities.keys().chain(self.rules.keys()).map(String::as_str);
                report.unknown("BRON-M069", name, "entity or rule", known);
                found.append(&mut report.found);
            }
        }
        for (file, entity, field) in &self.named.fields {
            let Some(entity) = model.entity(entity) else { continue };
            if entity.field(&field.text).is_none() {
                let mut report = Reporter::new(file);
                let known = entity.fields.iter().map(|known| known.name.as_str());
                report.unknown("BRON-M069", field, &format!("field of `{}`", entity.name), known);
                found.append(&mut report.found);
            }
        }
        found
    }
}

fn one_of<T: Copy>(
    section: &mut Section<'_, '_>,
    key: &str,
    all: &[(&str, T)],
    report: &mut Reporter<'_>,
) -> Option<T> {
    let name = section.text(key, report)?;
    let known = all.iter().find(|(known, _)| *known == name.text);
    if known.is_none() {
        report.unknown("BRON-M068", &name, key, all.iter().map(|(known, _)| *known));
    }
    known.map(|(_, value)| *value)
}

fn read_rule(section: &mut Section<'_, '_>, report: &mut Reporter<'_>) -> Option<RetentionRule> {
    let name = section.required_text("name", report);
    let label = section.required_text("label", report);
    let law = section.required_text("law", report);
    let lagrum = section.required_text("lagrum", report);
    let version = section.required_text("version", report);
    let valid_from = section.text("valid_from", report);
    let trigger = one_of(section, "trigger", RetentionTrigger::ALL, report);
    let years = section.int("years", report);
    let finish = one_of(section, "finish", RetentionFinish::ALL, report);
    let disposition = one_of(section, "disposition", Disposition::ALL, report);
    let status = one_of(section, "status", LegalStatus::ALL, report);
    section.finish(report);
    if let Some(day) =
        valid_from.as_ref().filter(|day| Day::read(&day.text).is_none() || day.text.len() != 10)
    {
        report.error("BRON-M068", &day.span, "a day is written YYYY-MM-DD", "no day");
    }
    let in_range = years.is_none_or(|years| (1..=200).contains(&years));
    if !in_range {
        report.error("BRON-M068", &section.span_of("years"), "`years` goes from 1 to 200", "out of range");
    }
    Some(RetentionRule {
        name: name?.text,
        label: label?.text,
        law: law?.text,
        lagrum: lagrum?.text,
        version: version?.text,
        valid_from: valid_from.map(|day| day.text).unwrap_or_default(),
        trigger: trigger.unwrap_or(RetentionTrigger::LastEvent),
        years: years.and_then(|years| u16::try_from(years).ok()).filter(|_| in_range),
        finish: finish.unwrap_or(RetentionFinish::Never),
        disposition: disposition.unwrap_or(Disposition::Migrate),
        status: status.unwrap_or(LegalStatus::Unchecked),
    })
}

fn read_exemption(
    section: &mut Section<'_, '_>,
    named: &mut NamedByRetention,
    report: &mut Reporter<'_>,
) -> Option<Exemption> {
    let name = section.required_text("name", report);
    let label = section.required_text("label", report);
    let lagrum = section.required_text("lagrum", report);
    let rules = section.texts("rules", report).unwrap_or_default();
    let ground = read_ground(section, named, report);
    let disposition = one_of(section, "disposition", Disposition::ALL, report);
    let status = one_of(section, "status", LegalStatus::ALL, report);
    section.finish(report);
    named.things.extend(rules.iter().map(|rule| (report.file.to_owned(), rule.clone())));
    Some(Exemption {
        name: name?.text,
        label: label?.text,
        lagrum: lagrum?.text,
        rules: rules.into_iter().map(|rule| rule.text).collect(),
        ground: ground?,
        disposition: disposition.unwrap_or(Disposition::Hold),
        status: status.unwrap_or(LegalStatus::Unchecked),
    })
}

fn read_ground(
    section: &mut Section<'_, '_>,
    named: &mut NamedByRetention,
    report: &mut Reporter<'_>,
) -> Option<ExemptionGround> {
    let entity = section.text("entity", report);
    let field = section.text("field", report);
    let codes = section.texts("codes", report).unwrap_or_default();
    let days = section.texts("born_on", report);
    let fields = section.texts("born", report).unwrap_or_default();
    let kept = section.text("while_kept", report);
    let texts = |placed: Vec<Placed>| placed.into_iter().map(|one| one.text).collect::<Vec<_>>();
    named.things.extend(entity.iter().chain(&kept).map(|name| (report.file.to_owned(), name.clone())));
    let of_entity = entity.iter().zip(&field).map(|(entity, field)| (entity.text.clone(), field));
    let of_person = fields.iter().map(|field| (PERSON_ENTITY.to_owned(), field));
    let of_file =
        of_entity.chain(of_person).map(|(entity, field)| (report.file.to_owned(), entity, field.clone()));
    named.fields.extend(of_file);
    match (entity, days, kept) {
        (Some(entity), None, None) => Some(ExemptionGround::Rows {
            entity: entity.text,
            field: field.map(|field| field.text).unwrap_or_default(),
            codes: texts(codes),
        }),
        (None, Some(days), None) => {
            let days: Vec<u8> = days.iter().filter_map(|day| day.text.parse().ok()).collect();
            Some(ExemptionGround::BornOn { days, fields: texts(fields) })
        }
        (None, None, Some(rule)) => Some(ExemptionGround::WhileKept { rule: rule.text }),
        (None, None, None) | (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            let message = "an exemption has one ground: `entity`, `born_on` or `while_kept`";
            report.error("BRON-M068", &section.span, message, "not one ground");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
format = 1
[policy]
overdue = "hold"
while_open = ["arende"]
[[rule]]
name = "sol-12-1"
label = "Fem år"
law = "SoL"
lagrum = "SoL 12:1"
version = "SFS 2003:135"
valid_from = "2003-07-01"
years = 5
finish = "end_of_next_year"
status = "approved"
[[rule]]
name = "sol-12-1"
label = "Fem år"
law = "SoL"
lagrum = "SoL 15:1"
version = "SFS 2025:400"
valid_from = "2025-07-01"
years = 5
finish = "end_of_next_year"
[[exemption]]
name = "forskning"
label = "Född den 5"
lagrum = "SoF 7:2"
rules = ["sol-12-1"]
born_on = ["5"]
born = ["fodelsedatum"]
disposition = "archive_then_drop"
"#;

    fn read(text: &str) -> (Retention, Vec<&'static str>) {
        let mut retention = Retention::default();
        let found = retention.add("retention/r.toml", text);
        (retention, found.iter().map(|one| one.code).collect())
    }

    #[test]
    fn the_version_of_the_day_is_found() {
        let (retention, found) = read(RULES);
        assert_eq!(found, [""; 0]);
        let version = |day| retention.rule("sol-12-1", day).unwrap().version.as_str();
        assert_eq!(version("2024-12-31"), "SFS 2003:135");
        assert_eq!(version("2025-07-01"), "SFS 2025:400");
        assert_eq!(version("1999-01-01"), "SFS 2003:135", "before the first, the first");
        assert!(retention.rule("unknown", "2024-12-31").is_none());
        assert_eq!(retention.exemptions[0].disposition, Disposition::ArchiveThenDrop);
        assert_eq!(retention.rules["sol-12-1"][1].status, LegalStatus::Unchecked, "unless it says approved");
    }

    #[test]
    fn mistakes_are_reported() {
        assert_eq!(read(&RULES.replace("years = 5", "years = 500")).1, ["BRON-M068", "BRON-M068"]);
        assert_eq!(read(&RULES.replace("2025-07-01", "2003-07-01")).1, ["BRON-M068"]);
        assert_eq!(read(&RULES.replace("\"hold\"", "\"destroy\"")).1, ["BRON-M068"]);
        assert_eq!(read(&RULES.replace("born_on = [\"5\"]\n", "")).1, ["BRON-M068"]);
        let (retention, _) = read(RULES);
        let unknown: Vec<_> = retention.check(&Model::default()).iter().map(|one| one.code).collect();
        assert_eq!(unknown, ["BRON-M069"], "`arende` is no entity of an empty model");
    }
}
