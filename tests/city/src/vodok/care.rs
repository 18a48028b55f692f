//! Plans, prescriptions and measurements.

use crate::calendar::{Day, Stamp, TODAY};
use crate::error::Error;
use crate::rng::Rng;
use crate::sqlite::row;
use crate::truth::Action;

use super::terms::ICF;
use super::{ACTIONS, ATGPLAN, BREAK, HALSOPLAN, MATVARDE, ORDINATION, Patient, Vodok, next};

const PROBLEMS: [(&str, &str); 5] = [
    ("Risk för fall", "Kan förflytta sig säkert inomhus"),
    ("Risk för undernäring", "Håller vikten"),
    ("Sömnsvårigheter", "Sover sex timmar i sträck"),
    ("Smärta i höften", "Upplever smärtan som lindrig"),
    ("Trycksår på hälen", "Såret är läkt"),
];

const PRESCRIPTIONS: [&str; 4] = [
    "Blodtryck kontrolleras varje vecka",
    "Omläggning av sår varannan dag",
    "Vikt kontrolleras varje månad",
    "Kompressionsstrumpor på morgonen, av till natten",
];

const RULES: [&str; 3] = ["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYMONTHDAY=1"];

/// What is measured: kind, unit, lowest and highest value in tenths, whether tenths are written.
const MEASUREMENTS: [(&str, &str, i32, i32, bool); 6] = [
    ("TEMP", "°C", 361, 389, true),
    ("VIKT", "kg", 450, 980, true),
    ("LANGD", "cm", 1_500, 1_880, false),
    ("PULS", "/min", 500, 1_100, false),
    ("BGLUK", "mmol/l", 40, 150, true),
    ("SAT", "%", 900, 1_000, false),
];

/// Blood pressure, of which one in a hundred measurements is.
const PRESSURE: (&str, &str) = ("BT", "mmHg");

/// A measurement as it is written.
struct Measured {
    kind: &'static str,
    value: String,
    unit: Option<&'static str>,
}

impl Vodok<'_> {
    pub(super) fn write_care(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        self.write_plans(patient)?;
        self.write_regular_actions(patient)?;
        self.write_prescriptions(patient)?;
        self.write_measurements(patient)
    }

    /// Plans of health; only those from the change of terms on have a code of ICF and a qualifier.
    fn write_plans(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        let mut rng = self.stream("HALSOPLAN", patient);
        for _ in 0..rng.between(3, 9) {
            let id = next(&mut self.ids.plan);
            let (problem, goal) = rng.pick(&PROBLEMS);
            let from = day_of_care(patient, &mut rng);
            let coded = from >= BREAK;
            let code = coded.then(|| rng.pick(&ICF).0);
            let degree = coded.then(|| rng.pick(&["0", "1", "2", "3", "4", "8"]));
            let (to, outcome) = match rng.chance(650, 1_000) {
                true => (Some(from.plus(rng.between(20, 400)).min(TODAY).iso()), Some("Målet uppnått")),
                false => (None, None),
            };
            let id_of_patient = patient.id.clone();
            let row = row![id, id_of_patient, problem, goal, code, degree, from.iso(), to, outcome];
            self.db.push(HALSOPLAN, row)?;
        }
        Ok(())
    }

    fn write_regular_actions(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        let mut rng = self.stream("ATGPLAN", patient);
        let count = usize::try_from(rng.between(2, 7)).unwrap_or(2);
        for code in ACTIONS.iter().take(count) {
            let from = day_of_care(patient, &mut rng);
            let to = rng.chance(600, 1_000).then(|| from.plus(rng.between(30, 500)).iso());
            let rule = rng.pick(&RULES);
            self.db.push(ATGPLAN, row![patient.id.clone(), *code, from.iso(), to, rule])?;
        }
        Ok(())
    }

    fn write_prescriptions(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        let mut rng = self.stream("ORDINATION", patient);
        for _ in 0..rng.between(3, 10) {
            let id = next(&mut self.ids.prescription);
            let from = day_of_care(patient, &mut rng);
            let to = rng.chance(700, 1_000).then(|| from.plus(rng.between(7, 300)).iso());
            let doctor = format!("Läkare {:02}", rng.between(1, 30));
            let text = rng.pick(&PRESCRIPTIONS);
            self.db.push(ORDINATION, row![id, patient.id.clone(), doctor, text, from.iso(), to])?;
        }
        Ok(())
    }

    fn write_measurements(&mut self, patient: &Patient<'_>) -> Result<(), Error> {
        let mut rng = self.stream("MATVARDE", patient);
        let count = rng.between(100, 240);
        let (first, last) = (patient.first_day(), patient.last_day());
        for number in 0..count {
            let day = first.plus(number * (last.0 - first.0) / count);
            let at = Stamp::at(day, rng.between(7, 21), rng.between(0, 59)).small();
            let id = next(&mut self.ids.measurement);
            let Measured { kind, value, unit } = self.measure(id, &mut rng);
            self.db.push(MATVARDE, row![id, patient.id.clone(), kind, at, value, unit])?;
        }
        Ok(())
    }

    /// Most values are plain numbers with a point; a row is wrong in at most one way.
    fn measure(&mut self, id: i64, rng: &mut Rng) -> Measured {
        if rng.chance(10, 1_000) {
            self.mark("D54", "MATVARDE", Action::Norm, &id);
            let value = format!("{}/{}", rng.between(100, 175), rng.between(55, 99));
            return Measured { kind: PRESSURE.0, value, unit: Some(PRESSURE.1) };
        }
        if self.quotas.implausible.strikes() {
            self.mark("D55", "MATVARDE", Action::Flag, &id);
            return implausible(id);
        }
        let (kind, unit, low, high, tenths) = rng.pick(&MEASUREMENTS);
        let number = rng.between(low, high);
        let whole = number / 10;
        let plain = if tenths { format!("{whole}.{}", number % 10) } else { whole.to_string() };
        let value = if self.quotas.below.strikes() {
            format!("<{whole}")
        } else if tenths && self.quotas.comma.strikes() {
            plain.replace('.', ",")
        } else if tenths && self.quotas.unit_in_value.strikes() {
            format!("{plain} {unit}")
        } else {
            return Measured { kind, value: plain, unit: Some(unit) };
        };
        self.mark("D54", "MATVARDE", Action::Norm, &id);
        Measured { kind, value, unit: Some(unit) }
    }
}

/// A lost decimal comma, an unit that nobody wrote, or a weight that no adult has.
fn implausible(id: i64) -> Measured {
    let (kind, value, unit) = match id % 3 {
        0 => ("TEMP", "368", Some("°C")),
        1 => ("PULS", "72", None),
        _ => ("VIKT", "5", Some("kg")),
    };
    Measured { kind, value: value.to_owned(), unit }
}

/// A day of care, with room after it for what begins then.
fn day_of_care(patient: &Patient<'_>, rng: &mut Rng) -> Day {
    let (first, last) = (patient.first_day(), patient.last_day());
    first.plus(rng.between(0, (last.0 - first.0 - 1).max(0)))
}
