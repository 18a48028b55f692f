//! The description of a source as a page and a workbook, in Swedish.

use bron_extract::profile::{
    CodeCount, ColumnProfile, Distinct, Encoding, Lengths, Reference, Shape, TableProfile, Verdict,
};
use bron_extract::{Consistency, DamageKind, DamagedColumn, Sniffed, SourceColumn, TableSchema};
use bron_reconcile::page::{Head, Page, Part, Section, State, number, plural};

use super::Opened;

/// The page about the tables and columns of a source.
pub(super) fn inspected(opened: &Opened) -> Page {
    let columns: usize = opened.tables.iter().map(|table| table.columns.len()).sum();
    let mut sections = vec![
        Section {
            title: "Tabeller".to_owned(),
            about: "Antalet rader är källans egen uppskattning; ingen rad är läst.".to_owned(),
            parts: vec![tables(&opened.tables)],
        },
        Section {
            title: "Kolumner".to_owned(),
            about: String::new(),
            parts: opened.tables.iter().map(declared_columns).collect(),
        },
    ];
    sections.extend(files(&opened.verdicts));
    let unsure = opened.verdicts.iter().filter(|file| !file.is_convincing()).count();
    Page {
        kicker: "En källas tabeller".to_owned(),
        title: opened.name.clone(),
        headline: format!(
            "{} med {}",
            plural(count(opened.tables.len()), "tabell", "tabeller"),
            plural(count(columns), "kolumn", "kolumner")
        ),
        explanation: if unsure > 0 {
            let files = plural(count(unsure), "fil", "filer");
            format!("{files} kan inte tolkas säkert; se avsnittet om filer.")
        } else {
            "Vad kolumnerna innehåller sägs av bron source profile.".to_owned()
        },
        state: if unsure > 0 { State::Look } else { State::Good },
        sections,
        footer: vec![moment(&opened.source.consistency())],
    }
}

/// The page about what the columns of a source hold.
pub(super) fn profiled(opened: &Opened, profiles: &[TableProfile], references: &[Reference]) -> Page {
    let noticed = noticed(profiles);
    let rows: u64 = profiles.iter().map(|table| table.rows).sum();
    let things = plural(count(noticed.len()), "sak att se över", "saker att se över");
    let mut sections = Vec::new();
    if !noticed.is_empty() {
        sections.push(Section {
            title: "Att se över".to_owned(),
            about: "Innan någon skriver regler för kolumnerna.".to_owned(),
            parts: vec![part("Att se över", &["Kolumn", "Vad", "Hur mycket"], &[], noticed)],
        });
    }
    sections.push(Section {
        title: "Tabeller".to_owned(),
        about: String::new(),
        parts: vec![profiled_tables(profiles)],
    });
    sections.push(Section {
        title: "Kolumner".to_owned(),
        about: "Koder och deras antal visas bara i kolumner som ser ut att innehålla koder.".to_owned(),
        parts: profiles.iter().map(profiled_columns).collect(),
    });
    sections.push(lengths_section(profiles));
    sections.push(references_section(references));
    sections.push(damaged_section(profiles));
    sections.extend(files(&opened.verdicts));
    sections.retain(|section| section.parts.iter().any(|part| !part.rows.is_empty()));
    let state = if sections[0].title == "Att se över" { State::Look } else { State::Good };
    Page {
        kicker: "En källas innehåll".to_owned(),
        title: opened.name.clone(),
        headline: format!(
            "{} och {}",
            plural(count(profiles.len()), "tabell", "tabeller"),
            plural(rows, "rad", "rader")
        ),
        explanation: if state == State::Look { format!("{things}.") } else { "Inget att se över.".to_owned() },
        state,
        sections,
        footer: vec![
            moment(&opened.source.consistency()),
            "Inget värde om någon person står här. Av datum visas åren, av texter längden. En kod visas när fem \
             rader eller fler har den; antalet utelämnas där det skulle avslöja hur många som har en mer ovanlig."
                .to_owned(),
        ],
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn moment(consistency: &Consistency) -> String {
    match consistency {
        Consistency::Point { .. } => "Källan är läst som den var vid en tidpunkt.".to_owned(),
        Consistency::None { .. } => {
            "Källan kan inte läsas som den var vid en enda tidpunkt: ändringar under läsningen kan synas till hälften."
                .to_owned()
        }
    }
}

fn part(sheet: &str, texts: &[&str], numbers: &[&str], rows: Vec<Vec<String>>) -> Part {
    let texts = texts.iter().map(|head| Head::text(head));
    let columns = texts.chain(numbers.iter().map(|head| Head::number(head))).collect();
    Part { sheet: sheet.to_owned(), columns, rows, ..Part::default() }
}

fn tables(tables: &[TableSchema]) -> Part {
    let row = |table: &TableSchema| {
        let [rows, columns] = [table.rows_estimate, count(table.columns.len())].map(number);
        vec![table.name.clone(), table.key_unique.join(", "), rows, columns]
    };
    part("Tabeller", &["Tabell", "Nyckel"], &["Rader, ungefär", "Kolumner"], tables.iter().map(row).collect())
}

fn declared_columns(table: &TableSchema) -> Part {
    let row = |column: &SourceColumn| {
        let null = match column.nullable {
            Some(true) => "ja",
            Some(false) => "nej",
            None => "",
        };
        let place = table.key_unique.iter().position(|name| *name == column.name);
        let key = place.map_or_else(String::new, |place| format!("del {}", place + 1));
        vec![column.name.clone(), column.declared_type.clone(), null.to_owned(), key]
    };
    let heads = ["Kolumn", "Deklarerad typ", "Får vara NULL", "Nyckel"];
    let rows = table.columns.iter().map(row).collect();
    Part { title: table.name.clone(), ..part("Kolumner", &heads, &[], rows) }
}

fn files(verdicts: &[Sniffed]) -> Option<Section> {
    let row = |file: &Sniffed| {
        let separator = if file.separator == '\t' { "tabb".to_owned() } else { file.separator.to_string() };
        let sure = if file.is_convincing() { "säker" } else { "OSÄKER" };
        let share = |share: bron_extract::Share| format!("{} av {}", number(share.found), number(share.of));
        vec![
            file.file.clone(),
            file.encoding.clone(),
            separator,
            sure.to_owned(),
            share(file.letters),
            share(file.lines),
        ]
    };
    let heads =
        ["Fil", "Teckenkod", "Skiljetecken", "Tolkningen är", "Svenska bokstäver", "Lika långa rader"];
    (!verdicts.is_empty()).then(|| Section {
        title: "Filer".to_owned(),
        about: "Hur varje fil har tolkats, och vad det grundas på.".to_owned(),
        parts: vec![part("Filer", &heads, &[], verdicts.iter().map(row).collect())],
    })
}

/// What somebody should look at before rules are written.
fn noticed(profiles: &[TableProfile]) -> Vec<Vec<String>> {
    let mut noticed = Vec::new();
    for table in profiles {
        let mut push = |place: String, what: &str, much: String| {
            noticed.push(vec![place, what.to_owned(), much]);
        };
        if table.unreadable > 0 {
            let rows = plural(table.unreadable, "rad", "rader");
            push(table.table.clone(), "Rader som inte går att läsa", rows);
        }
        if table.key.is_empty() && table.unique.is_empty() && table.rows > 0 {
            push(table.table.clone(), "Ingen nyckel, och ingen kolumn som ensam kan vara det", String::new());
        }
        for column in &table.columns {
            let place = || format!("{}.{}", table.table, column.name);
            if let Some(at) = column.lengths.as_ref().and_then(|lengths| lengths.cut_at) {
                push(place(), "Texter kan vara avklippta", format!("vid {} tecken", number(at)));
            }
            if let Some(encoding) = column.encoding.filter(|one| one.verdict == Verdict::Damaged) {
                push(place(), "Bokstäver är lästa i fel teckenkod", damage(encoding));
            }
            if let Some(values) = column.control_characters.filter(|values| *values > 0) {
                push(place(), "Styrtecken i texten", plural(values, "värde", "värden"));
            }
            for one in &column.sentinels {
                push(place(), "Datum som betyder att det saknas", frequency(one));
            }
        }
    }
    noticed
}

fn damage(encoding: Encoding) -> String {
    let Some(counts) = encoding.counts else { return String::new() };
    // Control characters have a line of their own, also where no letter is damaged.
    let kinds = DamageKind::ALL.into_iter().filter(|kind| *kind != DamageKind::Control);
    let named = kinds.map(|kind| (counts.damage.of(kind), kind)).filter(|(values, _)| *values > 0);
    named
        .map(|(values, kind)| format!("{} {}", number(values), in_swedish(kind)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn profiled_tables(profiles: &[TableProfile]) -> Part {
    let row = |table: &TableProfile| {
        let key = match (table.key.as_slice(), table.unique.as_slice()) {
            ([], []) => "ingen".to_owned(),
            ([], unique) => format!("ej deklarerad; unika: {}", unique.join(", ")),
            (key, _) => key.join(", "),
        };
        let [rows, unreadable, columns] =
            [table.rows, table.unreadable, count(table.columns.len())].map(number);
        vec![table.table.clone(), key, rows, unreadable, columns]
    };
    let numbers = ["Rader", "Oläsliga", "Kolumner"];
    part("Tabeller", &["Tabell", "Nyckel"], &numbers, profiles.iter().map(row).collect())
}

fn profiled_columns(table: &TableProfile) -> Part {
    let row = |column: &ColumnProfile| {
        vec![
            column.name.clone(),
            column.declared_type.clone(),
            shapes(column),
            period(column),
            codes(column),
            column.encoding.map_or("", |encoding| verdict(encoding.verdict)).to_owned(),
            number(column.values),
            share(column.nulls, table.rows),
            share(column.empties, table.rows),
            distinct(column.distinct),
            column.lengths.as_ref().map_or_else(String::new, span),
        ]
    };
    let texts = ["Kolumn", "Deklarerad typ", "Ser ut som", "År", "Koder", "Teckenkod"];
    let numbers = ["Värden", "NULL", "Tomma", "Olika", "Längd"];
    let rows = table.columns.iter().map(row).collect();
    let about = format!("{}.", plural(table.rows, "rad", "rader"));
    Part { title: table.table.clone(), about, ..part("Kolumner", &texts, &numbers, rows) }
}

/// A part of the rows, in whole percent: never 0 or 100 when it is neither none nor all.
fn share(found: u64, of: u64) -> String {
    match found {
        0 => String::new(),
        all if all == of => "100 %".to_owned(),
        some => {
            let percent = u128::from(some) * 100 / u128::from(of.max(1));
            if percent == 0 { "< 1 %".to_owned() } else { format!("{percent} %") }
        }
    }
}

/// What a column holds, in one Swedish line.
pub(in crate::verbs) fn facts(column: &ColumnProfile, rows: u64) -> String {
    let nulls = share(column.nulls + column.empties, rows);
    let empty = if nulls.is_empty() { nulls } else { format!("{nulls} saknas") };
    let facts = [
        column.declared_type.clone(),
        shapes(column),
        period(column),
        codes(column),
        format!("{} olika", distinct(column.distinct)),
        empty,
    ];
    facts.into_iter().filter(|fact| !fact.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn distinct(distinct: Distinct) -> String {
    match distinct {
        Distinct::Exactly(count) => number(count),
        Distinct::About(count) => format!("ca {}", number(count)),
    }
}

fn span(lengths: &Lengths) -> String {
    let Lengths { shortest, longest, .. } = lengths;
    if shortest == longest {
        number(*longest)
    } else {
        format!("{}–{}", number(*shortest), number(*longest))
    }
}

fn period(column: &ColumnProfile) -> String {
    let years = column.years.map(|(first, last)| format!("{first}–{last}"));
    let stand_ins = column.sentinels.iter().map(|one| format!("saknas: {}", frequency(one)));
    years.into_iter().chain(stand_ins).collect::<Vec<_>>().join(", ")
}

fn codes(column: &ColumnProfile) -> String {
    let Some(codes) = &column.codes else { return String::new() };
    let mut named: Vec<String> = codes.iter().map(frequency).collect();
    let untold = count(codes.iter().filter(|one| one.rows.is_none()).count());
    let rare = column.suppressed.codes.saturating_sub(untold);
    if rare > 0 {
        named.push(plural(rare, "ovanlig kod", "ovanliga koder"));
    }
    named.join(", ")
}

fn frequency(one: &CodeCount) -> String {
    one.rows.map_or_else(|| one.code.clone(), |rows| format!("{} ({})", one.code, number(rows)))
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Silent => "säger inget",
        Verdict::Right => "rätt",
        Verdict::Damaged => "SKADAD",
    }
}

fn shapes(column: &ColumnProfile) -> String {
    let alone = column.shapes.len() == 1;
    let shape = |(shape, values): (&Shape, &Option<u64>)| match values {
        Some(values) if !alone => format!("{} ({})", looks(*shape), number(*values)),
        Some(_) | None => looks(*shape).to_owned(),
    };
    column.shapes.iter().map(shape).collect::<Vec<_>>().join(", ")
}

const fn looks(shape: Shape) -> &'static str {
    match shape {
        Shape::Blank => "blanka",
        Shape::SentinelDate => "datum som betyder att det saknas",
        Shape::Date => "datum",
        Shape::CompactDate => "datum med åtta siffror",
        Shape::Moment => "tidpunkter",
        Shape::Time => "klockslag",
        Shape::Personnummer => "personnummer",
        Shape::Samordningsnummer => "samordningsnummer",
        Shape::OtherIdentifier => "andra personidentiteter",
        Shape::Organisationsnummer => "organisationsnummer",
        Shape::WholeNumber => "heltal",
        Shape::DecimalPoint => "tal med punkt",
        Shape::DecimalComma => "tal med komma",
        Shape::Markup => "formaterad text",
        Shape::Word => "ord",
        Shape::Text => "text",
        Shape::Bytes => "bytes",
    }
}

/// How the lengths end in columns whose texts look cut.
fn lengths_section(profiles: &[TableProfile]) -> Section {
    let mut rows = Vec::new();
    for table in profiles {
        for column in &table.columns {
            let Some(lengths) = column.lengths.as_ref().filter(|lengths| lengths.cut_at.is_some()) else {
                continue;
            };
            let told = lengths.ends.iter().map(|one| {
                let values = one.values.map_or_else(|| "1–4".to_owned(), number);
                format!("{}: {values}", number(one.length))
            });
            let told: Vec<String> = told.collect();
            let declared = lengths.declared.map_or_else(String::new, number);
            rows.push(vec![format!("{}.{}", table.table, column.name), told.join(" · "), declared]);
        }
    }
    let heads = ["Kolumn", "Antal texter per längd"];
    Section {
        title: "Texter som kan vara avklippta".to_owned(),
        about: "Så många texter slutar vid en viss längd att de troligen har klippts där.".to_owned(),
        parts: vec![part("Avklippta", &heads, &["Deklarerad plats"], rows)],
    }
}

fn damaged_section(profiles: &[TableProfile]) -> Section {
    let row = |table: &TableProfile, one: &DamagedColumn| {
        let DamagedColumn { column, damage, from, to, values, rows } = one;
        vec![
            format!("{}.{column}", table.table),
            in_swedish(*damage).to_owned(),
            from.clone(),
            to.clone(),
            number(*values),
            number(*rows),
        ]
    };
    let rows = profiles.iter().flat_map(|table| table.damaged.iter().map(move |one| row(table, one)));
    Section {
        title: "Skadade värden".to_owned(),
        about: "Vilka perioders filer som kom med skadade värden, och i vilka kolumner.".to_owned(),
        parts: vec![part(
            "Skador",
            &["Kolumn", "Skada", "Från", "Till"],
            &["Skadade värden", "Rader"],
            rows.collect(),
        )],
    }
}

const fn in_swedish(damage: DamageKind) -> &'static str {
    match damage {
        DamageKind::Control => "styrtecken",
        DamageKind::Lost => "förlorade tecken (U+FFFD)",
        DamageKind::Misread => "UTF-8 läst som något annat",
        DamageKind::OtherPage => "bokstäver ur en annan teckenkod",
        DamageKind::SevenBit => "bokstäver i sju bitar",
    }
}

fn references_section(references: &[Reference]) -> Section {
    let row = |one: &Reference| {
        let Reference { table, column, to_table, to_column, found, compared } = one;
        vec![
            format!("{table}.{column}"),
            format!("{to_table}.{to_column}"),
            share(*found, *compared),
            number(*found),
            number(*compared),
        ]
    };
    let numbers = ["Andel som finns där", "Finns", "Jämförda"];
    Section {
        title: "Möjliga kopplingar".to_owned(),
        about: "Kolumner vars värden nästan alla finns som nyckel i en annan tabell, och vars namn också säger det."
            .to_owned(),
        parts: vec![part(
            "Kopplingar",
            &["Kolumn", "Kan peka på"],
            &numbers,
            references.iter().map(row).collect(),
        )],
    }
}
