//! Named cases: rows written by hand about persons of their own, with keys far above those of the bulk.
//!
//! Each case is a course of events that a migration easily gets wrong. Its keys are `9cccnn`-like numbers: the
//! number of the case and a number within it, the same for every table, and the truth names the rows that
//! play a part ([`crate::Truth::cases`]). A row that meets the condition of a defect is marked like any other.
//!
//! The persons have surnames that nobody in the bulk has, and days of birth that are set aside for them
//! ([`crate::numbers::is_set_aside`]), so that no case meets the bulk by accident.

mod decisions;
mod files;
mod identity;
mod money;
mod orders;

use std::collections::BTreeMap;

use crate::agresso::Voucher;
use crate::calendar::{Day, Month, Stamp, TODAY};
use crate::error::Error;
use crate::numbers::never_assigned;
use crate::sqlite::{money, row};
use crate::truth::Action;

use super::batch::Load;
use super::{
    AKT, ARENDE, BESLUT, HUSHALL, HUSHMED, INSATS, JOURNAL, PERSHANV, PERSON, Paraply, STATUT, UTBET, UTREDN,
    handler_id, next,
};

/// The first key of the cases.
const FIRST_KEY: i64 = 9_000_000;
/// The plain spelling of the section that nearly every decision rests on.
const SOL: &str = "4 kap. 1 § SoL";

/// A period; open when it has no last day.
type Span = (Day, Option<Day>);

/// A person of a case.
struct Who {
    number: Option<String>,
    kind: &'static str,
    birth: Day,
    name: (&'static str, &'static str),
    man: bool,
    protection: &'static str,
    registered: Day,
    died: Option<Day>,
}

/// A woman with the number of her day of birth; everybody with birth number 000 is registered as one.
fn woman(birth: Day, name: (&'static str, &'static str)) -> Who {
    Who {
        number: Some(never_assigned(birth)),
        kind: "P",
        birth,
        name,
        man: false,
        protection: "",
        registered: Day::of(2006, 1, 9).max(birth.plus(20)),
        died: None,
    }
}

/// A decision of a case. One that is not about money gets an inquiry of the same key.
#[derive(Clone, Copy)]
struct Ruling {
    arende: i64,
    btyp: &'static str,
    lagrum: &'static str,
    decided: Day,
    span: Span,
    utfall: &'static str,
    amount: Option<i64>,
    extent: Option<(&'static str, &'static str)>,
    replaces: Option<i64>,
    status: &'static str,
}

impl Ruling {
    /// A grant of so many kronor for a month.
    fn month(arende: i64, decided: Day, month: Month, kronor: i64) -> Self {
        Self {
            arende,
            btyp: "EBMN",
            lagrum: SOL,
            decided,
            span: (month.day(1), Some(month.last_day())),
            utfall: "B",
            amount: Some(kronor * 100),
            extent: None,
            replaces: None,
            status: "F",
        }
    }

    /// A grant of something else than money.
    fn care(arende: i64, btyp: &'static str, decided: Day, span: Span) -> Self {
        let utfall = "B";
        let (lagrum, amount, extent, replaces, status) = (SOL, None, None, None, "F");
        Self { arende, btyp, lagrum, decided, span, utfall, amount, extent, replaces, status }
    }
}

/// A payment of a case.
#[derive(Clone, Copy)]
struct Paid {
    arende: i64,
    beslut: i64,
    month: Month,
    ore: i64,
    day: Day,
    status: &'static str,
    replaces: Option<i64>,
    /// Whether the accounts paid it.
    settled: bool,
    account: &'static str,
}

impl Paid {
    fn out(arende: i64, beslut: i64, month: Month, kronor: i64, day: Day) -> Self {
        let (status, replaces, settled, account) = ("U", None, true, "5710-410");
        Self { arende, beslut, month, ore: kronor * 100, day, status, replaces, settled, account }
    }
}

/// One case while it is written.
struct Case<'c, 'a> {
    paraply: &'c mut Paraply<'a>,
    name: &'static str,
    base: i64,
    paid: BTreeMap<(i64, Month), i64>,
}

impl Paraply<'_> {
    /// Writes every named case.
    pub(super) fn write_cases(&mut self) -> Result<(), Error> {
        type Tell = fn(&mut Case<'_, '_>) -> Result<(), Error>;
        let groups: [&[(i64, &'static str, Tell)]; 5] =
            [&identity::CASES, &files::CASES, &decisions::CASES, &orders::CASES, &money::CASES];
        for (number, name, tell) in groups.into_iter().flatten() {
            let base = FIRST_KEY + number * 100;
            let mut case = Case { paraply: self, name, base, paid: BTreeMap::new() };
            tell(&mut case)?;
            case.write_statistics()?;
        }
        Ok(())
    }
}

impl Case<'_, '_> {
    /// The key with this number in the case.
    fn key(&self, number: i64) -> i64 {
        self.base + number
    }

    /// Names the row that plays a part.
    fn part(&mut self, part: &str, key: i64) {
        self.paraply.ledger.case(self.name, part, key.to_string());
    }

    fn mark(&mut self, id: &'static str, table: &'static str, action: Action, key: i64) {
        self.paraply.mark(id, table, action, key);
    }

    fn person(&mut self, number: i64, who: Who) -> Result<i64, Error> {
        let id = self.key(number);
        let at = Stamp::at(who.registered, 9, 30);
        let (first, last) = who.name;
        let row = row![
            id,
            who.number,
            who.kind,
            // A reservnummer tells no day, and then none is registered.
            (who.kind != "R").then(|| who.birth.small()),
            first,
            last,
            if who.man { "M" } else { "K" },
            "OG",
            "SWE",
            "sv",
            false,
            who.died.map(Day::small),
            who.protection,
            "0180",
            "14",
            None::<i64>,
            handler_id(0),
            at.full(),
            handler_id(0),
            at.plus_minutes(20).full(),
            false,
            self.paraply.row_version(),
        ];
        if who.kind == "R" || matches!(who.birth.civil().2, 5 | 15 | 25) {
            self.paraply.research.insert(id);
        }
        self.paraply.db.push(PERSON, row)?;
        Ok(id)
    }

    /// Says that one record is, or has become, another one.
    fn reference(&mut self, from: i64, to: i64, kind: &'static str, day: Day) -> Result<(), Error> {
        self.paraply.db.push(PERSHANV, row![from, to, kind, day.small()])
    }

    /// A file of a board, on paper or not.
    fn akt(
        &mut self,
        number: i64,
        person: i64,
        (board, lag): (&'static str, &'static str),
        (opened, closed): Span,
        paper: bool,
    ) -> Result<i64, Error> {
        let id = self.key(number);
        let name = format!("{}-{id}", opened.year());
        let (opened, closed) = (opened.small(), closed.map(Day::small));
        let row = row![id, person, board, name, lag, opened, closed, paper, None::<i64>];
        self.paraply.db.push(AKT, row)?;
        Ok(id)
    }

    fn arende(
        &mut self,
        number: i64,
        akt: i64,
        vo: &'static str,
        (opened, closed): Span,
        moved_from: Option<i64>,
    ) -> Result<i64, Error> {
        let id = self.key(number);
        let row = row![
            id,
            akt,
            vo,
            "14",
            (vo == "EB").then_some(id),
            handler_id(0),
            opened.small(),
            closed.map(Day::small),
            closed.map(|_| "FLI"),
            moved_from,
            if closed.is_some() { "S" } else { "A" },
        ];
        self.paraply.db.push(ARENDE, row)?;
        Ok(id)
    }

    /// A case of ekonomiskt bistånd with its household of the same key, and the person who stands for it.
    fn bistand(
        &mut self,
        number: i64,
        (akt, person): (i64, i64),
        span: Span,
        moved_from: Option<i64>,
    ) -> Result<i64, Error> {
        let id = self.arende(number, akt, "EB", span, moved_from)?;
        self.paraply.db.push(HUSHALL, row![id, id, "5", span.0.small(), span.1.map(Day::small)])?;
        self.member(id, person, ("R", "N"), span)?;
        Ok(id)
    }

    /// A file and a case of ekonomiskt bistånd for the person, both with the number.
    fn bistand_of(&mut self, number: i64, person: i64, span: Span) -> Result<i64, Error> {
        let akt = self.akt(number, person, ("714", "SOL"), span, false)?;
        self.bistand(number, (akt, person), span, None)
    }

    fn member(
        &mut self,
        household: i64,
        person: i64,
        (role, alternating): (&'static str, &'static str),
        (from, to): Span,
    ) -> Result<(), Error> {
        let row = row![household, person, role, alternating, from.small(), to.map(Day::small)];
        self.paraply.db.push(HUSHMED, row)
    }

    fn ruling(&mut self, number: i64, ruling: Ruling) -> Result<i64, Error> {
        let id = self.key(number);
        let inquiry = if ruling.amount.is_none() { Some(self.inquiry(number, &ruling)?) } else { None };
        let (from, to) = ruling.span;
        let row = row![
            id,
            ruling.arende,
            inquiry,
            ruling.btyp,
            ruling.lagrum,
            ruling.decided.small(),
            from.small(),
            to.map(Day::small),
            ruling.utfall,
            None::<i64>,
            ruling.amount.map(money),
            ruling.extent.map(|(count, _)| count),
            ruling.extent.map(|(_, unit)| unit),
            ruling.replaces.is_some(),
            ruling.replaces,
            handler_id(1),
            ruling.status,
            handler_id(1),
            // What is prepared beforehand was written before the last day.
            Stamp::at(ruling.decided.min(TODAY), 14, 5).full(),
            self.paraply.row_version(),
        ];
        self.paraply.db.push(BESLUT, row)?;
        Ok(id)
    }

    fn inquiry(&mut self, number: i64, ruling: &Ruling) -> Result<i64, Error> {
        let id = self.key(number);
        let (start, end) = (ruling.decided.small(), ruling.decided.small());
        let text = "Utredningen bygger på samtal och inkomna handlingar.";
        let (event, extended) = (None::<i64>, None::<i64>);
        self.paraply
            .db
            .push(UTREDN, row![id, ruling.arende, event, SOL, start, end, extended, "IN", text])?;
        Ok(id)
    }

    /// What carries a decision out, or stands alone without one.
    fn insats(
        &mut self,
        number: i64,
        (order, beslut): (Option<i64>, Option<i64>),
        person: i64,
        kod: &'static str,
        (from, to): Span,
    ) -> Result<i64, Error> {
        let id = self.key(number);
        let ended = to.map(|_| "BEH");
        let (from, to) = (from.small(), to.map(Day::small));
        self.paraply.db.push(INSATS, row![id, order, beslut, person, kod, from.clone(), to, from, ended])?;
        Ok(id)
    }

    /// A payment in the batch of its day, which only the cases' payments share.
    fn pay(&mut self, number: i64, paid: Paid) -> Result<i64, Error> {
        let id = self.key(number);
        let counted = if paid.status == "U" { paid.ore } else { 0 };
        let bunt = self.paraply.add_to_batch(paid.day, Load::Cases, counted, ("UTBET", id));
        if counted > 0 {
            *self.paid.entry((paid.arende, paid.month)).or_default() += counted;
        }
        let verifikat = format!("AV{id:09}");
        let Paid { ore: amount_ore, day, settled, .. } = paid;
        self.paraply.vouchers.take(&Voucher {
            number: verifikat.clone(),
            bunt,
            amount_ore,
            day,
            paid: settled,
        })?;
        let row = row![
            id,
            paid.arende,
            paid.beslut,
            paid.month.compact(),
            money(paid.ore),
            "PK",
            "S",
            format!("0000{:010}", paid.arende),
            paid.day.small(),
            paid.status,
            paid.replaces,
            paid.account,
            verifikat,
            bunt,
            handler_id(2),
        ];
        self.paraply.db.push(UTBET, row)?;
        Ok(id)
    }

    /// A note, signed an hour after it was written or never.
    fn note(
        &mut self,
        number: i64,
        akt: i64,
        (at, author): (Stamp, &str),
        signed: bool,
        text: &str,
    ) -> Result<i64, Error> {
        let id = self.key(number);
        let row = row![
            id,
            akt,
            None::<i64>,
            at.small(),
            at.plus_minutes(10).full(),
            author.to_owned(),
            signed.then(|| at.plus_minutes(70).full()),
            signed.then(|| author.to_owned()),
            "Telefonsamtal",
            "TE",
            None::<i64>,
            false,
            "N",
            text.to_owned(),
        ];
        self.paraply.db.push(JOURNAL, row)?;
        Ok(id)
    }

    /// The lines of statistics about what was paid.
    fn write_statistics(&mut self) -> Result<(), Error> {
        for ((_, month), ore) in std::mem::take(&mut self.paid) {
            let period = month.compact();
            let line =
                format!("{}\t{}\t0180\t14\t0\t{}\t\t1\t0\t0\t2\t40", &period[..4], &period[4..], ore / 100);
            let id = next(&mut self.paraply.ids.statistik);
            self.paraply.db.push(STATUT, row![id, "EB", period, line])?;
        }
        Ok(())
    }
}
