//! Rules of the mapping language in Swedish.

use super::html::Html;
use super::phrase::fill;
use super::{Book, entity_page, list_page, table_place};
use crate::function::FunctionKind;
use crate::mapping::{
    Action, Aggregate, AggregateKind, Check, CodeInput, CodeLookup, Condition, ConditionTest, Direction,
    FieldRule, FirstPresent, Lookup, Mapping, Neighbour, Origin, OtherTable, PROTECTION, Parent, Period,
    Rule,
};
use crate::model::FieldType;
use crate::reject::ReasonCode;

/// The day on which the sources were read.
const AS_OF: &str = "@as_of";

/// The function that copies.
const COPY: &str = "text";

/// A text that a rule reads.
pub(super) fn origin(origin: &Origin) -> Html {
    match origin.name.as_str() {
        AS_OF => Html::of("dagen då källan lästes"),
        PROTECTION => Html::of("personens skydd"),
        name => Html::named(name),
    }
}

pub(super) fn origins<'o>(origins: impl IntoIterator<Item = &'o Origin>) -> Html {
    let names: Vec<Html> = origins.into_iter().map(origin).collect();
    Html::list(&names)
}

fn quoted(text: &str) -> Html {
    if text.is_empty() { Html::of("tomt") } else { Html::of(&format!("”{text}”")) }
}

/// What is done with a row.
pub(super) const fn action(action: Action) -> &'static str {
    match action {
        Action::Norm => "Flyttas i normalform",
        Action::Fix => "Flyttas rättad",
        Action::Flag => "Flyttas och flaggas",
        Action::Merge => "Slås ihop",
        Action::Exclude => "Flyttas inte",
        Action::Quarantine => "Sätts i karantän",
        Action::Stop => "Stoppar raden och namnges i resultatet",
    }
}

impl Book<'_> {
    /// A source table, with a link when it has a mapping.
    pub(super) fn table(&self, system: &str, table: &str) -> Html {
        if self.set.mapping(system, table).is_some() {
            Html::default().link(&table_place(system, table), table)
        } else {
            Html::named(table)
        }
    }

    fn other(&self, mapping: &Mapping, other: &OtherTable) -> Html {
        let table = self.table(&other.system, &other.table);
        if other.system == mapping.system {
            return table;
        }
        table
            .text(" i ")
            .text(self.set.systems.get(&other.system).map_or(&other.system, |system| &system.label))
    }

    pub(super) fn entity(&self, entity: &str) -> Html {
        match self.set.model.entity(entity) {
            Some(known) => Html::default().link(&entity_page(entity), &known.label),
            None => Html::named(entity),
        }
    }

    pub(super) fn list(&self, list: &str) -> Html {
        Html::default().link(&list_page(list), list)
    }

    /// Conditions, of which all must hold.
    pub(super) fn conditions(&self, mapping: &Mapping, when: &[Condition]) -> Html {
        let each: Vec<Html> = when.iter().map(|one| self.condition(mapping, one)).collect();
        Html::list(&each)
    }

    fn condition(&self, mapping: &Mapping, condition: &Condition) -> Html {
        let column = origin(&condition.origin);
        match &condition.test {
            ConditionTest::Present => column.text(" är ifylld"),
            ConditionTest::Absent => column.text(" är tom"),
            ConditionTest::In(values) => {
                let values = self.values(mapping, &condition.origin, values);
                column.text(" är ").add(&Html::join(&values, ", ", " eller "))
            }
            ConditionTest::NotIn(values) => {
                let values = self.values(mapping, &condition.origin, values);
                column.text(" är inte ").add(&Html::join(&values, ", ", " eller "))
            }
            ConditionTest::Dates { from: Some(from), before: Some(before) } => {
                column.text(&format!(" är från {from} till före {before}"))
            }
            ConditionTest::Dates { from: Some(from), before: None } => {
                column.text(&format!(" är {from} eller senare"))
            }
            ConditionTest::Dates { from: None, before: Some(before) } => {
                column.text(&format!(" är före {before}"))
            }
            ConditionTest::Dates { from: None, before: None } => column.text(" är ett datum"),
        }
    }

    /// Codes with what they mean, where the column is read by a code list.
    fn values(&self, mapping: &Mapping, origin: &Origin, values: &[String]) -> Vec<Html> {
        let value = |value: &String| match self.term(mapping, origin, value) {
            Some(term) => Html::of(&format!("{value} ({term})")),
            None => quoted(value),
        };
        values.iter().map(value).collect()
    }

    fn term(&self, mapping: &Mapping, origin: &Origin, code: &str) -> Option<&str> {
        let (mapping, column) = match origin.parent() {
            None => (mapping, origin.name.as_str()),
            Some((name, column)) => {
                let other = &mapping.parents.iter().find(|parent| parent.name == name)?.other;
                (self.set.mapping(&other.system, &other.table)?, column)
            }
        };
        let fields = mapping.targets.iter().flat_map(|target| &target.fields).chain(mapping.scope.rules());
        let list = fields.filter_map(|field| match &field.rule {
            Rule::Codes { list, input, .. } if input.name == column => self.set.codes.get(list),
            Rule::Codes { .. }
            | Rule::Id { .. }
            | Rule::Ref { .. }
            | Rule::Function { .. }
            | Rule::Const(_) => None,
        });
        let mut entries = list.flat_map(|list| list.entries());
        let found = entries.find(|(system, known, _)| {
            *known == code && (system.is_empty() || *system == mapping.system.as_str())
        });
        found.map(|(_, _, entry)| entry.term.as_str()).filter(|term| !term.is_empty())
    }

    /// How the value of a field comes to be, as a sentence without its subject.
    pub(super) fn rule(&self, mapping: &Mapping, field: &FieldRule, kind: Option<&FieldType>) -> Html {
        let mut words = self.form(mapping, &field.rule);
        if !field.when.is_empty() {
            words = words.text(", när ").add(&self.conditions(mapping, &field.when));
        }
        if let Some(default) = &field.default {
            let instead = if field.when.is_empty() { "; tomt blir " } else { "; annars " };
            words = words.text(instead).add(&constant(default, kind));
        }
        words.text(&self.trouble(field))
    }

    fn form(&self, mapping: &Mapping, rule: &Rule) -> Html {
        match rule {
            Rule::Id { key, part } => {
                let words = Html::of("radens id, härlett ur ").add(&origins(key));
                part.iter().fold(words, |words, part| words.text(&format!(" (delen {part})")))
            }
            Rule::Ref { entity, system, table, key, .. } => {
                let system = system.as_deref().unwrap_or(&mapping.system);
                let words = Html::of("pekar på ").add(&self.entity(entity)).text(" från ");
                let words = words.add(&self.table(system, table));
                let single = key.len() == 1;
                if single { words } else { words.text(", efter ").add(&origins(key)) }
            }
            Rule::Function { name, inputs, arguments, .. } => {
                let inputs: Vec<Html> = inputs.iter().map(origin).collect();
                let phrase = self.functions.get(name.as_str()).map_or("", |spec| spec.phrase);
                fill(phrase, &inputs, arguments)
            }
            Rule::Codes { list, date, fallback, .. } => {
                let mut words = Html::of("översätts med kodlistan ").add(&self.list(list));
                if let Some(date) = date {
                    words = words.text(" efter dagen i ").add(&origin(date));
                }
                match fallback {
                    Some(fallback) => words.text("; en okänd kod blir ").name(fallback),
                    None => words,
                }
            }
            Rule::Const(value) => Html::of("alltid ").add(&constant(value, None)),
        }
    }

    /// What is done when a rule is broken.
    fn trouble(&self, field: &FieldRule) -> String {
        let held = field.on_bad == Action::Quarantine;
        let what = match &field.rule {
            Rule::Codes { fallback: None, .. } => Some("okänd kod"),
            Rule::Function { name, .. } if name != COPY => {
                let spec = self.functions.get(name.as_str());
                let refuses = spec.is_some_and(|spec| spec.marks.contains(&ReasonCode::Malformed));
                refuses.then_some("oläsligt värde")
            }
            Rule::Function { .. }
            | Rule::Codes { .. }
            | Rule::Id { .. }
            | Rule::Ref { .. }
            | Rule::Const(_) => None,
        };
        let missing = field.required.then_some("tomt värde");
        let what: Vec<&str> = what.into_iter().chain(missing).collect();
        match (&what[..], held) {
            ([], _) => String::new(),
            (what, true) => format!("; {} sätter raden i karantän", what.join(" eller ")),
            (what, false) => format!("; {} lämnas tomt och flaggas", what.join(" eller ")),
        }
    }

    /// When a row breaks a check.
    pub(super) fn check(&self, mapping: &Mapping, check: &Check) -> Html {
        let inputs: Vec<Html> = check.inputs.iter().map(origin).collect();
        let spec = self.functions.get(check.function.as_str());
        let always = spec.is_some_and(|spec| spec.kind == FunctionKind::Check && spec.inputs.0 == 0);
        if always && !check.when.is_empty() {
            return self.conditions(mapping, &check.when);
        }
        let words = fill(spec.map_or("", |spec| spec.phrase), &inputs, &check.arguments);
        if check.when.is_empty() {
            return words;
        }
        words.text(", när ").add(&self.conditions(mapping, &check.when))
    }

    fn key(on: &[(Origin, Origin)]) -> Html {
        let pairs: Vec<Html> =
            on.iter().map(|(own, other)| origin(other).text(" är radens ").add(&origin(own))).collect();
        Html::list(&pairs)
    }

    fn narrowed(&self, mapping: &Mapping, words: Html, when: &[Condition]) -> Html {
        if when.is_empty() { words } else { words.text(", där ").add(&self.conditions(mapping, when)) }
    }

    /// How a parent is found.
    pub(super) fn parent(&self, mapping: &Mapping, parent: &Parent) -> Html {
        let words = Html::of("raden i ").add(&self.other(mapping, &parent.other)).text(" vars ");
        let words = self.narrowed(mapping, words.add(&Self::key(&parent.on)), &parent.when);
        let Some(Period { at, from, to, slack_minutes }) = &parent.valid else { return words };
        let words = words.text(", den som gällde vid ").add(&origin(at)).text(" (från ").add(&origin(from));
        let words = words.text(" till ").add(&origin(to)).text(")");
        if *slack_minutes == 0 {
            words
        } else {
            words.text(&format!(", med {slack_minutes} minuters marginal"))
        }
    }

    /// Which row a neighbour is.
    pub(super) fn neighbour(&self, mapping: &Mapping, neighbour: &Neighbour) -> Html {
        let which = match neighbour.direction {
            Direction::Before => "raden närmast före",
            Direction::After => "raden närmast efter",
        };
        let words = Html::of(which).text(" med samma ").add(&origins(&neighbour.group));
        let words = words.text(", i ordning efter ").add(&origin(&neighbour.order));
        self.narrowed(mapping, words, &neighbour.when)
    }

    /// What a lookup gives.
    pub(super) fn lookup(&self, mapping: &Mapping, lookup: &Lookup) -> Html {
        match lookup {
            Lookup::Aggregate(aggregate) => self.aggregate(mapping, aggregate),
            Lookup::Code(CodeLookup { list, code, date, .. }) => {
                let code = match code {
                    CodeInput::Origin(code) => origin(code),
                    CodeInput::Const(code) => quoted(code),
                };
                let words = code.text(" översatt med kodlistan ").add(&self.list(list));
                date.iter().fold(words, |words, date| words.text(" efter dagen i ").add(&origin(date)))
            }
            Lookup::First(FirstPresent { from, .. }) => {
                let from: Vec<Html> = from.iter().map(origin).collect();
                Html::of("den första som är ifylld av ").add(&Html::list(&from))
            }
        }
    }

    fn aggregate(&self, mapping: &Mapping, aggregate: &Aggregate) -> Html {
        let Aggregate { other, on, when, kind, .. } = aggregate;
        let words = match kind {
            AggregateKind::Count { distinct: None } => Html::of("antalet rader i "),
            AggregateKind::Count { distinct: Some(column) } => {
                Html::of("antalet olika ").add(&origin(column)).text(" i ")
            }
            AggregateKind::Sum { value, .. } => Html::of("summan av ").add(&origin(value)).text(" i "),
            AggregateKind::Earliest(value) => Html::of("den första ").add(&origin(value)).text(" i "),
            AggregateKind::Latest(value) => Html::of("den sista ").add(&origin(value)).text(" i "),
            AggregateKind::Minutes { from, to } => {
                let from = Html::of("minuterna från ").add(&origin(from));
                from.text(" till ").add(&origin(to)).text(" i ")
            }
        };
        let which =
            if *kind == (AggregateKind::Count { distinct: None }) { " vars " } else { " för rader vars " };
        let words = words.add(&self.other(mapping, other)).text(which).add(&Self::key(on));
        let words = self.narrowed(mapping, words, when);
        let AggregateKind::Sum { minus: Some((column, values)), .. } = kind else { return words };
        let values: Vec<Html> = values.iter().map(|value| quoted(value)).collect();
        let values = Html::join(&values, ", ", " eller ");
        words.text("; rader där ").add(&origin(column)).text(" är ").add(&values).text(" räknas bort")
    }
}

/// A constant as people say it.
pub(super) fn constant(value: &str, kind: Option<&FieldType>) -> Html {
    let truth = kind.is_none_or(|kind| *kind == FieldType::Bool);
    match value {
        "true" if truth => Html::of("ja"),
        "false" if truth => Html::of("nej"),
        other => quoted(other),
    }
}

/// A type as people say it.
pub(super) fn kind(kind: &FieldType) -> String {
    match kind {
        FieldType::Id => "id".to_owned(),
        FieldType::Ref { .. } => "hänvisning".to_owned(),
        FieldType::Text => "text".to_owned(),
        FieldType::Code => "kod".to_owned(),
        FieldType::Date => "datum".to_owned(),
        FieldType::Time => "datum och klockslag".to_owned(),
        FieldType::Int => "heltal".to_owned(),
        FieldType::Ore => "belopp i öre".to_owned(),
        FieldType::Minutes => "minuter".to_owned(),
        FieldType::Bool => "ja eller nej".to_owned(),
        FieldType::Bytes => "fil".to_owned(),
        FieldType::Decimal { scale } => format!("tal med {scale} decimaler"),
    }
}
