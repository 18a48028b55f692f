//! A lens that changes the model: two tables become one, columns are split and joined, one is derived, one is kept
//! apart.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bron_dual_run::{Agreed, Change, Image, Lens, Result, Translated};
use bron_mappings::{Digest, SourceKey};

use crate::faults::Faults;
use crate::toy::{Rows, id, image, legacy, model, scope, text, with};

/// What the lens keeps: the rows of both worlds as they agreed on them. It outlives the bridge.
#[derive(Debug, Default)]
pub(crate) struct Known {
    rows: Rows,
}

/// The lens of the small city.
pub(crate) struct ToyLens {
    known: Rc<RefCell<Known>>,
    faults: Rc<RefCell<Faults>>,
    /// Whether it forgets what was agreed, as a broken one would.
    forgetful: bool,
}

impl ToyLens {
    /// A lens over what is known.
    #[must_use]
    pub(crate) const fn new(known: Rc<RefCell<Known>>, faults: Rc<RefCell<Faults>>, forgetful: bool) -> Self {
        Self { known, faults, forgetful }
    }

    fn translate(
        &self,
        changes: &[Change],
        one: impl Fn(&Scene<'_>, &Change) -> Translated,
    ) -> Vec<Translated> {
        let known = self.known.borrow();
        let overlay: BTreeMap<&SourceKey, Option<&Image>> =
            changes.iter().map(|change| (&change.key, change.after.as_ref())).collect();
        let scene = Scene { known: &known.rows, overlay };
        let mut translated = Vec::new();
        for change in changes {
            translated.push(one(&scene, change));
            if change.key.table() == "PERSON" {
                let resting = scene.cases_of(id(&change.key));
                let resting = resting.into_iter().filter(|key| !scene.overlay.contains_key(key));
                for key in resting.collect::<Vec<_>>() {
                    let after = scene.row(&key).cloned();
                    let resting = Change { key, after, ..change.clone() };
                    translated.push(one(&scene, &resting));
                }
            }
        }
        translated
    }
}

/// The rows as they are after the changes of a cut.
struct Scene<'a> {
    known: &'a Rows,
    overlay: BTreeMap<&'a SourceKey, Option<&'a Image>>,
}

impl<'a> Scene<'a> {
    fn row(&self, key: &SourceKey) -> Option<&'a Image> {
        self.overlay.get(key).copied().unwrap_or_else(|| self.known.get(key))
    }

    fn cases_of(&self, person: u64) -> BTreeSet<SourceKey> {
        let person = person.to_string();
        let all = self.known.keys().chain(self.overlay.keys().copied());
        let of = |key: &&SourceKey| {
            key.table() == "ARENDE" && self.row(key).is_some_and(|row| text(row, "PID") == person)
        };
        all.filter(of).cloned().collect()
    }

    /// The unit of a person now, and as it was known.
    fn units(&self, person: &SourceKey, column: &str) -> (Option<&'a str>, Option<&'a str>) {
        let now = self.row(person).map(|row| text(row, column));
        (now, self.known.get(person).map(|row| text(row, column)))
    }

    fn translated(&self, change: &Change, person: u64, units: (Option<&str>, Option<&str>)) -> Translated {
        let (now, before) = units;
        let of_change = change.before.as_ref().map(|row| text(row, "ENHET")).filter(|unit| !unit.is_empty());
        let unit = now.or(before).or(of_change).unwrap_or("A");
        let moved = before.filter(|before| *before != unit).map(scope);
        Translated {
            cause: change.key.clone(),
            version: change.version,
            aggregate: format!("p{person}"),
            scope: scope(unit),
            moved_from: moved,
            rows: BTreeMap::new(),
            parked: None,
            lost: Vec::new(),
        }
    }
}

fn forward(scene: &Scene<'_>, change: &Change) -> Translated {
    if change.key.table() == "ARENDE" {
        return forward_case(scene, change);
    }
    let person = id(&change.key);
    let mut translated = scene.translated(change, person, scene.units(&legacy("PERSON", person), "ENHET"));
    let target = model("person", person);
    let Some(row) = scene.row(&legacy("PERSON", person)) else {
        translated.rows.insert(target, None);
        return translated;
    };
    let Some((family, given)) = text(row, "NAMN").split_once(", ") else {
        translated.parked = Some("name-without-comma".to_owned());
        return translated;
    };
    let initial: String = given.chars().take(1).collect();
    let mut after =
        image([("given", given), ("family", family), ("initial", &initial), ("unit", text(row, "ENHET"))]);
    if let Some(contact) = scene.row(&legacy("KONTAKT", person)) {
        after = with(&after, "phone", text(contact, "TEL"));
    }
    translated.rows.insert(target, Some(after));
    translated
}

fn forward_case(scene: &Scene<'_>, change: &Change) -> Translated {
    let known = scene.known.get(&change.key);
    let row = change.after.as_ref();
    let person: u64 = row.or(known).map_or(0, |row| text(row, "PID").parse().unwrap_or(0));
    let parent = legacy("PERSON", person);
    let mut translated = scene.translated(change, person, scene.units(&parent, "ENHET"));
    let target = model("arende", id(&change.key));
    let Some(row) = row else {
        translated.rows.insert(target, None);
        return translated;
    };
    let family = scene.row(&parent).and_then(|parent| text(parent, "NAMN").split_once(", "));
    let (Some((family, _)), Some((kronor, ore))) = (family, text(row, "BELOPP").split_once(',')) else {
        translated.parked = Some("case-without-person".to_owned());
        return translated;
    };
    let ore = kronor.parse::<u64>().unwrap_or(0) * 100 + ore.parse::<u64>().unwrap_or(0);
    let columns = [
        ("person", text(row, "PID")),
        ("family", family),
        ("ore", &ore.to_string()),
        ("status", text(row, "STATUS")),
    ];
    translated.rows.insert(target, Some(image(columns)));
    translated
}

fn reverse(scene: &Scene<'_>, change: &Change) -> Translated {
    let known = scene.known.get(&change.key);
    let is_person = change.key.table() == "person";
    let person = if is_person {
        id(&change.key)
    } else {
        change.after.as_ref().or(known).map_or(0, |row| text(row, "person").parse().unwrap_or(0))
    };
    let mut translated = scene.translated(change, person, scene.units(&model("person", person), "unit"));
    let Some(row) = &change.after else {
        if is_person {
            translated.rows.extend([(legacy("PERSON", person), None), (legacy("KONTAKT", person), None)]);
        } else {
            translated.rows.insert(legacy("ARENDE", id(&change.key)), None);
        }
        return translated;
    };
    if !is_person {
        let ore: u64 = text(row, "ore").parse().unwrap_or(0);
        let amount = format!("{},{:02}", ore / 100, ore % 100);
        let columns = [("PID", text(row, "person")), ("BELOPP", &amount), ("STATUS", text(row, "status"))];
        translated.rows.insert(legacy("ARENDE", id(&change.key)), Some(image(columns)));
        return translated;
    }
    // What the model does not hold comes from what was kept.
    let kept = scene.known.get(&legacy("PERSON", person));
    let note = kept.map_or("", |kept| text(kept, "NOTE"));
    let saldo = kept.map_or("0", |kept| text(kept, "SALDO"));
    let name = format!("{}, {}", text(row, "family"), text(row, "given"));
    let after = image([("NAMN", &name), ("ENHET", text(row, "unit")), ("NOTE", note), ("SALDO", saldo)]);
    translated.rows.insert(legacy("PERSON", person), Some(after));
    let phone = row.columns().contains_key("phone").then(|| image([("TEL", text(row, "phone"))]));
    translated.rows.insert(legacy("KONTAKT", person), phone);
    translated
}

impl Lens for ToyLens {
    fn mapping_version(&self) -> Digest {
        Digest::of(b"toy 1")
    }

    fn forward(&mut self, changes: &[Change]) -> Result<Vec<Translated>> {
        Ok(self.translate(changes, forward))
    }

    fn reverse(&mut self, changes: &[Change]) -> Result<Vec<Translated>> {
        Ok(self.translate(changes, reverse))
    }

    fn agreed(&mut self, keys: &[SourceKey]) -> Result<Vec<Agreed>> {
        let known = self.known.borrow();
        let of = |key: &SourceKey| match known.rows.get(key) {
            _ if self.forgetful => Agreed::Unknown,
            Some(row) => Agreed::Row(row.clone()),
            None => Agreed::Absent,
        };
        Ok(keys.iter().map(of).collect())
    }

    fn applied(&mut self, changes: &[Change], translated: &[Translated]) -> Result<()> {
        let mut known = self.known.borrow_mut();
        self.faults.borrow_mut().call("lens", || {
            let own = changes.iter().map(|change| (&change.key, &change.after));
            let made = translated.iter().flat_map(|one| &one.rows);
            for (key, row) in own.chain(made) {
                match row {
                    Some(row) => known.rows.insert(key.clone(), row.clone()),
                    None => known.rows.remove(key),
                };
            }
        })
    }
}
