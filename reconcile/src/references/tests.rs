use proptest::prelude::*;

use super::*;

/// Runs in memory, and how many there were.
#[derive(Default)]
struct Shelf(Vec<Vec<EntityId>>);

impl RunStore for Shelf {
    fn keep(&mut self, run: &[EntityId]) -> Result<usize, ReadError> {
        assert!(run.is_sorted(), "a run is in order");
        self.0.push(run.to_vec());
        Ok(self.0.len() - 1)
    }

    fn open(&self, run: usize) -> Result<Run<'_>, ReadError> {
        Ok(Box::new(self.0[run].iter().copied().map(Ok)))
    }
}

/// A store that fails when it is read.
struct Broken;

impl RunStore for Broken {
    fn keep(&mut self, _: &[EntityId]) -> Result<usize, ReadError> {
        Ok(0)
    }

    fn open(&self, _: usize) -> Result<Run<'_>, ReadError> {
        Ok(Box::new(std::iter::once(Err("the disk is gone".into()))))
    }
}

fn id(number: u8) -> EntityId {
    EntityId::from_bytes([number; 16])
}

#[test]
fn what_nobody_has_is_lacking_by_entity() {
    let mut references = References::new(Shelf::default());
    references.refer("beslut", [3, 1, 1, 9].map(id).into_iter()).unwrap();
    references.have("beslut", [1, 2, 3].map(id).into_iter()).unwrap();
    references.refer("person", [id(1)].into_iter()).unwrap();
    references.have("person", [id(1)].into_iter()).unwrap();
    references.refer("enhet", [id(4)].into_iter()).unwrap();
    let lacking = references.lacking().unwrap();
    let expected = [("beslut".to_owned(), [id(9)].into()), ("enhet".to_owned(), [id(4)].into())];
    assert_eq!(lacking, Lacking::from(expected));
}

#[test]
fn a_run_that_cannot_be_read_proves_nothing() {
    let mut references = References::with_room(Broken, 1);
    references.refer("beslut", [1, 2, 3].map(id).into_iter()).unwrap();
    assert_eq!(references.lacking().unwrap_err().kind(), ErrorKind::Reader);
}

proptest! {
    #[test]
    fn runs_change_nothing_but_the_room(
        referred in proptest::collection::vec(any::<u8>(), 0..60),
        present in proptest::collection::vec(any::<u8>(), 0..60),
        room in 1_usize..50,
    ) {
        let mut references = References::with_room(Shelf::default(), room);
        for (refers, has) in referred.chunks(7).zip(present.chunks(7).chain(std::iter::repeat(&[][..]))) {
            references.refer("rad", refers.iter().copied().map(id)).unwrap();
            references.have("rad", has.iter().copied().map(id)).unwrap();
        }
        let fed = referred.chunks(7).count() * 7;
        let there: BTreeSet<u8> = present.iter().take(fed).copied().collect();
        let expected: BTreeSet<EntityId> =
            referred.iter().filter(|number| !there.contains(number)).copied().map(id).collect();
        let lacking = references.lacking().unwrap();
        prop_assert_eq!(lacking.get("rad").cloned().unwrap_or_default(), expected);
    }
}
