use proptest::prelude::*;

use super::*;

fn fates() -> impl Strategy<Value = Fate> {
    let reasons = proptest::sample::select(ReasonCode::ALL);
    (0..5, reasons).prop_map(|(kind, reason)| match kind {
        0 => Fate::Loaded,
        1 => Fate::Merged(reason),
        2 => Fate::Excluded(reason),
        3 => Fate::Quarantined(reason),
        _ => Fate::Stopped(reason),
    })
}

fn here_of<'r>(rows: &'r [Added], at: &'r Dimension) -> impl Iterator<Item = &'r Added> + Clone {
    rows.iter().filter(|row| (&row.0, &row.1, &row.2) == (&at.area, &at.namnd, &at.year))
}

type Added = (String, String, String, Fate, u64);

fn balance(rows: &[Added]) -> Balance {
    let mut builder = BalanceBuilder::default();
    for (area, namnd, year, fate, fanout) in rows {
        let place = builder.place(area, namnd, year);
        builder.add(place, *fate, [ReasonCode::Malformed], *fanout);
    }
    builder.finish()
}

#[test]
fn texts_that_meet_differently_are_different_dimensions() {
    let rows: Vec<Added> =
        [("a", "bc", ""), ("ab", "c", ""), ("ab", "", "c"), ("", "abc", ""), ("1:a", "", "")]
            .map(|(area, namnd, year)| (area.to_owned(), namnd.to_owned(), year.to_owned(), Fate::Loaded, 1))
            .into();
    assert_eq!(balance(&rows).tallies.len(), rows.len());
}

proptest! {
    #[test]
    fn it_adds_up_however_the_rows_are_split(
        rows in proptest::collection::vec(("[ab:1]{0,2}", "[ab:1]{0,2}", "[0-9]{0,4}", fates(), 0_u64..3), 0..60),
        cut in any::<proptest::sample::Index>(),
    ) {
        let whole = balance(&rows);
        prop_assert_eq!(whole.rows(), u64::try_from(rows.len()).unwrap());
        for (at, tally) in &whole.tallies {
            let here = here_of(&rows, at);
            prop_assert_eq!(tally.read, u64::try_from(here.clone().count()).unwrap());
            prop_assert_eq!(tally.fanout, here.map(|row| row.4).sum::<u64>());
            let (out, held) = (tally.excluded.values().sum::<u64>(), tally.quarantined.values().sum::<u64>());
            prop_assert_eq!(tally.read, tally.loaded + tally.merged + out + held);
            let stopped = here_of(&rows, at).filter(|row| matches!(row.3, Fate::Stopped(_))).count();
            prop_assert_eq!(tally.stopped.values().sum::<u64>(), u64::try_from(stopped).unwrap());
            prop_assert_eq!(tally.marked[&ReasonCode::Malformed], tally.read);
        }
        let (first, second) = rows.split_at(cut.index(rows.len() + 1));
        let mut merged = balance(first);
        merged.merge(balance(second));
        prop_assert_eq!(merged, whole);
    }
}
