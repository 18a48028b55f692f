//! Which files are past the day on which they were to be destroyed, worked out over the finished database.
//!
//! D73 and D74 are no mistakes of a row but a matter of time: five years after the last event of the whole
//! file, finished by the end of the next calendar year, and not while payments in it are still accounts
//! (seven years after the end of their year). Only years matter for that. A row that is held back is no event.

use crate::calendar::TODAY;
use crate::error::Error;
use crate::truth::Action;

use super::Paraply;

/// Days that stand for no end, and days of births, are no events.
const DAYS: &str = "day BETWEEN '1902-01-01' AND '2078-12-31'";

/// Every event: the file, the day, and whether it is a payment.
const EVENTS: &[&str] = &[
    "SELECT AKT_ID akt, OPPDAT day, 0 paid FROM AKT UNION ALL SELECT AKT_ID, AVSLDAT, 0 FROM AKT",
    "SELECT AKT_ID, OPPDAT, 0 FROM ARENDE UNION ALL SELECT AKT_ID, AVSLDAT, 0 FROM ARENDE",
    "SELECT AKT_ID, DAT, 0 FROM AKTUAL JOIN ARENDE USING (AR_ID)",
    "SELECT AKT_ID, FHB_DAT, 0 FROM AKTUAL JOIN ARENDE USING (AR_ID) WHERE FORHBED IS NOT NULL",
    "SELECT AKT_ID, START, 0 FROM UTREDN JOIN ARENDE USING (AR_ID)",
    "SELECT AKT_ID, SLUT, 0 FROM UTREDN JOIN ARENDE USING (AR_ID)",
    "SELECT AKT_ID, BDAT, 0 FROM besl UNION ALL SELECT AKT_ID, GALL_FROM, 0 FROM besl",
    "SELECT AKT_ID, GALL_TOM, 0 FROM besl",
    "SELECT AKT_ID, \"FROM\", 0 FROM BESTALL JOIN besl USING (BESL_ID)",
    "SELECT AKT_ID, TOM, 0 FROM BESTALL JOIN besl USING (BESL_ID)",
    "SELECT AKT_ID, SVARDAT, 0 FROM BESTALL JOIN besl USING (BESL_ID)",
    "SELECT AKT_ID, VERKST, 0 FROM ins UNION ALL SELECT AKT_ID, fran, 0 FROM ins",
    "SELECT AKT_ID, TOM, 0 FROM ins",
    "SELECT AKT_ID, DAT, 0 FROM GENPLAN JOIN ins USING (INS_ID)",
    "SELECT AKT_ID, GJORDDAT, 0 FROM UPPFOLJ JOIN besl USING (BESL_ID)",
    "SELECT AKT_ID, p.\"FROM\", 0 FROM PLACER p JOIN ins USING (INS_ID)",
    "SELECT AKT_ID, p.TOM, 0 FROM PLACER p JOIN ins USING (INS_ID)",
    "SELECT AKT_ID, HANDDAT, 0 FROM JOURNAL WHERE JRN_ID NOT IN (SELECT k FROM held WHERE t = 'JOURNAL')",
    "SELECT AKT_ID, SKRIVDAT, 0 FROM JOURNAL WHERE JRN_ID NOT IN (SELECT k FROM held WHERE t = 'JOURNAL')",
    "SELECT AKT_ID, SKAPAD, 0 FROM DOKUMENT",
    "SELECT AKT_ID, \"FROM\", 0 FROM HUSHALL JOIN ARENDE USING (AR_ID)",
    "SELECT AKT_ID, TOM, 0 FROM HUSHALL JOIN ARENDE USING (AR_ID)",
    "SELECT AKT_ID, substr(MANAD, 1, 4) || '-' || substr(MANAD, 5, 2) || '-01', 0 FROM BERAK JOIN ARENDE USING (AR_ID)",
    "SELECT AKT_ID, UTBDAT, 1 FROM UTBET JOIN ARENDE USING (AR_ID) \
     WHERE UTB_ID NOT IN (SELECT k FROM held WHERE t = 'UTBET')",
];

/// The tables of which a row can be held back and would have been an event, or the way to one.
const HELD: [&str; 4] = ["PERSON", "BESLUT", "JOURNAL", "UTBET"];

impl Paraply<'_> {
    /// Marks the files that are overdue, the exempt ones with another code.
    pub(super) fn mark_overdue_files(&mut self) -> Result<(), Error> {
        self.db.script("CREATE TEMP TABLE held (t TEXT, k INTEGER, PRIMARY KEY (t, k))".to_owned())?;
        for table in HELD {
            let keys: Vec<String> =
                self.ledger.held(table).iter().map(|key| format!("('{table}', {key})")).collect();
            for keys in keys.chunks(500) {
                self.db.script(format!("INSERT OR IGNORE INTO held VALUES {}", keys.join(",")))?;
            }
        }
        self.db.script(
            "CREATE TEMP VIEW besl AS SELECT b.*, a.AKT_ID FROM BESLUT b JOIN ARENDE a USING (AR_ID) \
             WHERE BESL_ID NOT IN (SELECT k FROM held WHERE t = 'BESLUT')"
                .to_owned(),
        )?;
        self.db.script(
            "CREATE TEMP VIEW ins AS SELECT i.INS_ID, i.VERKST, i.\"FROM\" fran, i.TOM, besl.AKT_ID \
             FROM INSATS i JOIN besl USING (BESL_ID)"
                .to_owned(),
        )?;
        let events = EVENTS.join(" UNION ALL ");
        self.db.script(format!(
            "CREATE TEMP TABLE last AS SELECT akt, max(substr(day, 1, 4)) last, \
             max(CASE WHEN paid THEN substr(day, 1, 4) END) paid FROM ({events}) WHERE {DAYS} GROUP BY akt"
        ))?;
        self.db.script(
            "CREATE TEMP TABLE placed AS SELECT DISTINCT AKT_ID akt FROM PLACER JOIN ins USING (INS_ID)"
                .to_owned(),
        )?;
        let rows = self.db.texts(
            "SELECT a.AKT_ID, a.PERS_ID, a.LAG, last, paid, a.AKT_ID IN (SELECT akt FROM placed) \
             FROM AKT a JOIN last ON akt = a.AKT_ID WHERE NOT EXISTS (SELECT 1 FROM ARENDE c \
             WHERE c.AKT_ID = a.AKT_ID AND coalesce(c.AVSLDAT, '9999') > '2078-12-31') ORDER BY a.AKT_ID",
        )?;
        for row in rows {
            self.mark_overdue_file(&row);
        }
        Ok(())
    }

    /// `row`: file, person, law, year of the last event, year of the last payment, whether a child was placed.
    fn mark_overdue_file(&mut self, row: &[Option<String>]) {
        let text = |at: usize| row.get(at).and_then(|text| text.as_deref());
        let year = |at: usize| text(at).and_then(|text| text.parse::<i32>().ok());
        let due = year(3).map(|last| last + 5).max(year(4).map(|paid| paid + 8));
        let finished = due.is_some_and(|due| due + 1 < TODAY.year());
        let (Some(akt), Some(law), true) = (text(0), text(2), finished) else { return };
        let person = text(1).and_then(|person| person.parse::<i64>().ok()).unwrap_or_default();
        let exempt = match law {
            "SOL" => text(5) == Some("1") || self.research.contains(&person),
            "LSS" => text(5) == Some("1"),
            _ => return,
        };
        let id = if exempt { "D74" } else { "D73" };
        self.ledger.mark((id, "bron", "gallring", Action::Flag), format!("paraply/AKT/{akt}"));
    }
}
