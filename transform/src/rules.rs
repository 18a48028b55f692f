//! What a check can say of rules by running the functions themselves: constants and defaults that are no value,
//! arguments that a function refuses, and texts that a rule can never read.

use std::collections::BTreeSet;

use bron_mappings::{
    AggregateKind, Check, Condition, ConditionTest, Diagnostic, FieldRule, FieldType, Lookup, Mapping,
    MappingSet, Origin, PROTECTION, Protection, ReasonCode, Rule, Severity, Span,
};

use crate::functions::{Build, FieldFn, Outcome, Settings, find};
use crate::plan::constant;

/// Checks the rules of every mapping. What the static check reports already, such as an unknown function, is
/// passed over.
#[must_use]
pub fn check_rules(set: &MappingSet) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for mapping in &set.mappings {
        let mut checker = Checker { set, mapping, found: &mut found };
        for rule in mapping.scope.rules() {
            checker.rule(rule, &FieldType::Code);
        }
        for target in &mapping.targets {
            let entity = set.model.entity(&target.entity);
            for rule in &target.fields {
                if let Some(field) = entity.and_then(|entity| entity.field(&rule.field)) {
                    checker.rule(rule, &field.kind);
                }
            }
        }
        for check in &mapping.checks {
            let settings = Settings { arguments: &check.arguments, scale: None };
            let refused = find(&check.function).and_then(|function| match function.build {
                Build::Check(build) => build(&settings).err(),
                Build::AcrossRows(build) => build(&settings).err(),
                Build::Field(_) => None,
            });
            if let Some(problem) = refused {
                checker.refused(&check.function, &check.function_span, &problem);
            }
        }
        checker.conditions();
        checker.shown();
    }
    found
}

struct Checker<'c> {
    set: &'c MappingSet,
    mapping: &'c Mapping,
    found: &'c mut Vec<Diagnostic>,
}

/// The texts that an origin can give, where that is known before any row is read.
enum Domain {
    /// One of these, or NULL.
    Texts(BTreeSet<String>),
    /// Digits.
    Number,
    /// A number with four decimals.
    Sum,
    /// A day.
    Day,
}

impl Domain {
    /// Texts that stand for all.
    fn samples(&self) -> Vec<String> {
        match self {
            Self::Texts(texts) => texts.iter().cloned().collect(),
            Self::Number => ["0", "1", "60"].map(str::to_owned).to_vec(),
            Self::Sum => ["0.0000", "1250.0000"].map(str::to_owned).to_vec(),
            Self::Day => vec!["2024-12-31".to_owned()],
        }
    }

    fn has(&self, text: &str) -> bool {
        match self {
            Self::Texts(texts) => texts.contains(text),
            Self::Number => text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty(),
            Self::Sum => text.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 4),
            Self::Day => true,
        }
    }
}

impl Checker<'_> {
    fn push(&mut self, code: &'static str, span: &Span, message: String, label: &str, help: &str) {
        self.found.push(Diagnostic {
            code,
            severity: Severity::Error,
            file: self.mapping.file.clone(),
            span: span.clone(),
            message,
            label: label.to_owned(),
            help: Some(help.to_owned()),
        });
    }

    /// A check that no example breaks is documented by nobody and proved by nothing. What is decided across rows
    /// cannot be shown by one.
    fn shown(&mut self) {
        let examples = || self.mapping.examples.iter();
        let shows = |rule: ReasonCode| {
            let marks = examples().flat_map(|example| example.marks.iter().flatten());
            marks
                .chain(examples().filter_map(|example| example.quarantined.as_ref()))
                .any(|mark| *mark == rule)
        };
        let across = |check: &&Check| {
            find(&check.function).is_some_and(|function| matches!(function.build, Build::AcrossRows(_)))
        };
        let checks = self.mapping.checks.iter().filter(|check| !across(check) && !shows(check.rule));
        let mut named = BTreeSet::new();
        for check in checks.filter(|check| named.insert(check.rule)) {
            self.found.push(Diagnostic {
                code: "BRON-M055",
                severity: Severity::Warning,
                file: self.mapping.file.clone(),
                span: check.function_span.clone(),
                message: format!("no example shows a row that gets the mark {}", check.rule),
                label: "shown by no example".to_owned(),
                help: Some("write an [[example]] with this mark".to_owned()),
            });
        }
    }

    fn refused(&mut self, function: &str, span: &Span, problem: &str) {
        let help = "the function's arguments are in the table of functions";
        self.push("BRON-M052", span, format!("`{function}` cannot be used so: {problem}"), "refused", help);
    }

    fn rule(&mut self, rule: &FieldRule, kind: &FieldType) {
        if let Some(default) = &rule.default {
            self.value("default", default, rule, kind);
        }
        match &rule.rule {
            Rule::Const(text) => self.value("constant", text, rule, kind),
            Rule::Function { name, name_span, inputs, arguments } => {
                let Some(function) = find(name) else { return };
                let Build::Field(build) = function.build else { return };
                let scale = if let FieldType::Decimal { scale } = kind { Some(*scale) } else { None };
                match build(&Settings { arguments, scale }) {
                    Err(problem) => self.refused(name, name_span, &problem),
                    Ok(call) => self.readable(name, &call, inputs),
                }
            }
            Rule::Codes { list, list_span, input, .. } => {
                let (Some(domain), Some(codes)) = (self.domain(input), self.set.codes.get(list)) else {
                    return;
                };
                let known: BTreeSet<&str> = codes.entries().map(|(_, code, _)| code).collect();
                let samples = domain.samples();
                let finite = matches!(domain, Domain::Texts(_));
                if finite && !samples.is_empty() && samples.iter().all(|text| !known.contains(text.as_str()))
                {
                    let message = format!("the list `{list}` knows no text that `{}` can give", input.name);
                    self.push(
                        "BRON-M053",
                        list_span,
                        message,
                        "never found",
                        "name another list or another text",
                    );
                }
            }
            Rule::Id { .. } | Rule::Ref { .. } => {}
        }
    }

    /// A constant or a default is a value of the field's type. A constant of a type that takes none is reported
    /// by the static check.
    fn value(&mut self, what: &str, text: &str, rule: &FieldRule, kind: &FieldType) {
        let takes_none =
            what == "constant" && !matches!(kind, FieldType::Text | FieldType::Code | FieldType::Bool);
        if takes_none || constant(kind, text).is_some() {
            return;
        }
        let message = format!("the {what} of `{}` is no value of type {}", rule.field, kind.name());
        let help =
            "true or false, a whole number, a decimal number or a day, as the type wants; ids have none";
        self.push("BRON-M047", &rule.span, message, "no such value", help);
    }

    /// A function of one text reads at least one of the texts that it can get.
    fn readable(&mut self, name: &str, call: &FieldFn, inputs: &[Origin]) {
        let [input] = inputs else { return };
        let Some(domain) = self.domain(input) else { return };
        let samples = domain.samples();
        let bad = |text: &String| matches!(call(&[Some(text)]), Outcome::Bad(_));
        if !samples.is_empty() && samples.iter().all(bad) {
            let message = format!("`{name}` can read no text that `{}` gives", input.name);
            self.push(
                "BRON-M053",
                &input.span,
                message,
                "never read",
                "name another function or another text",
            );
        }
    }

    /// A condition that compares with a text which its origin never gives holds for no row, or for all.
    fn conditions(&mut self) {
        let mapping = self.mapping;
        let rules = mapping.targets.iter().flat_map(|target| &target.fields).chain(mapping.scope.rules());
        let conditions: Vec<&Condition> = mapping
            .exclusions
            .iter()
            .flat_map(|one| &one.when)
            .chain(mapping.checks.iter().flat_map(|one| &one.when))
            .chain(mapping.neighbours.iter().flat_map(|one| &one.when))
            .chain(mapping.targets.iter().flat_map(|one| &one.when))
            .chain(rules.flat_map(|one| &one.when))
            .collect();
        for condition in conditions {
            let (ConditionTest::In(texts) | ConditionTest::NotIn(texts)) = &condition.test else { continue };
            let Some(domain) = self.domain(&condition.origin) else { continue };
            for text in texts.iter().filter(|text| !domain.has(text)) {
                let message = format!("`{}` never gives `{text}`", condition.origin.name);
                let help = "compare with a text that can be there";
                self.push("BRON-M053", &condition.origin.span, message, "never so", help);
            }
        }
    }

    fn domain(&self, origin: &Origin) -> Option<Domain> {
        if origin.name == "@as_of" {
            return Some(Domain::Day);
        }
        if origin.name == PROTECTION {
            let codes = Protection::ALL.into_iter().map(|level| level.code().to_owned());
            return Some(Domain::Texts(codes.collect()));
        }
        match &self.mapping.lookups[self.mapping.lookup(origin)?] {
            Lookup::Aggregate(aggregate) => match aggregate.kind {
                AggregateKind::Count { .. } | AggregateKind::Minutes { .. } => Some(Domain::Number),
                AggregateKind::Sum { .. } => Some(Domain::Sum),
                AggregateKind::Earliest(_) | AggregateKind::Latest(_) => None,
            },
            Lookup::Code(code) => {
                let list = self.set.codes.get(&code.list)?;
                let of_system = |of: &str| of.is_empty() || of == self.mapping.system;
                let lines = list.entries().filter(|(of, ..)| of_system(of));
                Some(Domain::Texts(
                    lines.map(|(_, _, entry)| entry.target.clone()).filter(|one| !one.is_empty()).collect(),
                ))
            }
            Lookup::First(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{rules, set};

    fn found(set: &MappingSet) -> Vec<(&'static str, String)> {
        let errors = check_rules(set).into_iter().filter(|one| one.severity == Severity::Error);
        errors.map(|one| (one.code, one.message)).collect()
    }

    #[test]
    fn a_constant_or_a_default_of_another_type_is_named() {
        for rule in
            ["sant = { const = \"ja\" }", "datum = { from = \"A\", fn = \"date\", default = \"2014-02-30\" }"]
        {
            let set = rules(rule);
            let found = check_rules(&set);
            assert_eq!(found.len(), 1, "{rule}");
            assert_eq!((found[0].code, found[0].file.as_str()), ("BRON-M047", "s/T.toml"));
            assert!(found[0].span.start > 0);
        }
        assert_eq!(
            found(&rules("sant = { const = true }\nore = { from = \"A\", fn = \"ore\", default = \"0\" }\n")),
            []
        );
    }

    #[test]
    fn an_argument_that_a_function_refuses_is_named() {
        let check = "[[check]]\nrule = \"D42\"\nfn = \"repeats_within\"\nfrom = [\"A\"]\nwith = { days = \"sju\" }\n\
            [[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n";
        assert_eq!(found(&set(check))[0].0, "BRON-M052");
    }

    #[test]
    fn texts_that_can_never_be_read_are_named() {
        let with = |field: &str| {
            let count = "[[count]]\nname = \"antal\"\ntable = \"T\"\non = { ID = \"ID\" }\n";
            let target = "[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n";
            found(&set(&format!("{count}{target}{field}")))
        };
        assert_eq!(with("tal = { from = \"antal\", fn = \"int\" }"), []);
        assert_eq!(
            with("kod = { from = \"A\", codes = \"typ\", when = { column = \"antal\", in = [\"0\"] } }"),
            []
        );
        assert_eq!(with("datum = { from = \"@as_of\", fn = \"date\" }"), []);
        for field in [
            "datum = { from = \"antal\", fn = \"date\" }",
            "tal = { from = \"@as_of\", fn = \"int\" }",
            "text = { from = \"A\", when = { column = \"antal\", in = [\"noll\"] } }",
            "kod = { from = \"@skydd\", codes = \"typ\" }",
            "text = { from = \"A\", when = { column = \"@skydd\", not_in = [\"ingen\"] } }",
        ] {
            let found = with(field);
            assert_eq!(found.iter().map(|one| one.0).collect::<Vec<_>>(), ["BRON-M053"], "{field} {found:?}");
        }
    }

    #[test]
    fn a_check_that_no_example_breaks_is_named_once() {
        let check = "[[check]]\nrule = \"D24\"\nfn = \"ends_before_start\"\nfrom = [\"A\", \"B\"]\n";
        let across = "[[check]]\nrule = \"D42\"\nfn = \"repeats_within\"\nfrom = [\"A\"]\n";
        let target = "[[target]]\nentity = \"rad\"\n[target.fields]\nid = { id = [\"ID\"] }\n";
        let warned = check_rules(&set(&format!("{check}{check}{across}{target}")));
        assert_eq!(
            warned.iter().map(|one| (one.code, one.severity)).collect::<Vec<_>>(),
            [("BRON-M055", Severity::Warning)]
        );
        let example = "[[example]]\nabout = \"x\"\nmarks = [\"D24\"]\n";
        assert_eq!(check_rules(&set(&format!("{check}{target}{example}"))), []);
    }

    #[test]
    fn the_shipped_rules_can_be_read() {
        assert_eq!(check_rules(&crate::fixture::shipped().0), []);
    }
}
