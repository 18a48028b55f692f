//! What the store does on a file and on a server alike, and what belongs to one of them.

mod damage;
mod knowledge;
mod record;
mod rights;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bron_extract::MasterKey;
use bron_load::Target;
use bron_mappings::{Digest, SourceKey};
use bron_transform::{SourceText, SourceTexts};
use jiff::{Timestamp, ToSpan};
use tempfile::TempDir;

use super::connection::Connection;
use super::*;
use crate::capture::{Incarnation, Position};
use crate::change::{Change, Cut, CutId, Image, Mark, Stream, Version};
use crate::journal::Journal;
use crate::ownership::Owner;
use crate::scope::Scope;

/// A place where one test may do as it likes.
pub(super) trait Home {
    /// Where the store lies.
    fn target(&self) -> Target;
    /// Takes away everything that lies there.
    fn empty(&self);
    /// A connection behind the store's back.
    fn behind(&self) -> Connection;

    fn open(&self, access: Access) -> Result<Store> {
        Store::open(&self.target(), &master(), access)
    }

    /// The store of the bridge, with its lease.
    fn bridge(&self) -> Store {
        let mut store = self.open(Access::Bridge).unwrap();
        store.acquire(BRIDGE_LEASE, "this machine", time(0), time(60)).unwrap();
        store
    }

    fn run(&self, sql: &'static str) {
        self.behind().execute(sql, Vec::new()).unwrap();
    }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("bridge.db")
    }
}

impl Home for Folder {
    fn target(&self) -> Target {
        Target::Sqlite(self.path())
    }

    fn empty(&self) {
        for entry in std::fs::read_dir(self.0.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }

    fn behind(&self) -> Connection {
        Connection::file(&self.path(), true).unwrap()
    }
}

/// What every store must do, whatever database is behind it.
#[cfg(feature = "postgres-tests")]
type Case = fn(&dyn Home);

macro_rules! cases {
    ($($module:ident: $($case:ident),+;)+) => {
        $($(
            #[test]
            fn $case() {
                $module::$case(&Folder::new());
            }
        )+)+

        /// Every case with its name.
        #[cfg(feature = "postgres-tests")]
        const CASES: &[(&str, Case)] = &[$($((stringify!($case), $module::$case)),+),+];
    };
}

cases! {
    record: the_journal_gives_back_what_was_written, a_cut_is_read_in_pieces, c1_a_cut_is_journaled_once,
        c5_a_cut_of_another_life_is_refused, c9_a_position_advances_without_changes,
        s5_a_stream_stands_where_it_was_begun, a_cut_that_is_given_up_leaves_nothing,
        every_write_is_whole_or_nothing, nothing_of_a_person_lies_in_the_clear;
    damage: p4_whatever_is_done_to_the_journal_is_found, a_journal_that_was_cut_off_is_found_by_a_checkpoint,
        a_purge_takes_payloads_and_leaves_the_chain, what_is_damaged_is_not_given_out;
    rights: a7_a_process_that_lost_its_lease_writes_nothing, a8_a_second_bridge_is_refused,
        nobody_writes_without_a_lease, a_newer_format_is_refused_and_an_older_brought_up,
        an_upgrade_is_whole_or_nothing, another_key_is_refused;
    knowledge: ownership_is_compared_and_set, the_most_exact_share_counts, phases_follow_their_order,
        days_in_reverse_are_counted, steps_are_noted_in_their_order, gates_keep_their_last_reading,
        approvals_cover_what_was_signed, legacy_rows_are_kept_and_found, a_born_row_has_one_legacy_key,
        p1_a_later_state_takes_the_place_of_what_is_parked, p2_the_budget_counts_what_is_parked_anew,
        l1_a_conflict_keeps_both_images, decisions_have_their_rules,
        jobs_have_a_history, cursors_and_bookmarks_are_kept;
}

#[cfg(feature = "postgres-tests")]
mod server {
    use bron_servers::PostgresServer;

    use super::*;

    impl Home for PostgresServer {
        fn target(&self) -> Target {
            Target::parse(&self.url()).unwrap()
        }

        fn empty(&self) {
            let mut behind = self.behind();
            behind.execute("DROP SCHEMA public CASCADE", Vec::new()).unwrap();
            behind.execute("CREATE SCHEMA public", Vec::new()).unwrap();
        }

        fn behind(&self) -> Connection {
            let options = self.target().server().unwrap().unwrap();
            Connection::server(options, "behind".to_owned(), true).unwrap()
        }
    }

    #[test]
    fn a_server_does_what_a_file_does() {
        let server = PostgresServer::start().unwrap();
        let wrong: Vec<&str> = CASES
            .iter()
            .filter(|(_, case)| {
                server.empty();
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&server))).is_err()
            })
            .map(|(name, _)| *name)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

fn master() -> MasterKey {
    MasterKey::from_hex(&"0a".repeat(32)).unwrap()
}

/// So many seconds after the beginning.
fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + seconds.seconds()
}

fn legacy() -> Stream {
    Stream { source: "paraply".to_owned(), from: Owner::Legacy }
}

fn model() -> Stream {
    Stream { source: "model".to_owned(), from: Owner::New }
}

fn scope() -> Scope {
    Scope::parse("ekonomiskt-bistand/SDN03/myndighet").unwrap()
}

/// A text that stands for what must not be found in the clear.
const NAME: &str = "Planterad Personsson";
const NUMBER: &str = "197602030000";

fn key(number: u64) -> SourceKey {
    SourceKey::new("paraply", "PERSON", [Some(format!("{NUMBER}-{number}").as_str())])
}

fn image(text: &str) -> Image {
    let columns = [
        ("NAMN".to_owned(), SourceText::Text(format!("{NAME} {text}"))),
        ("BILD".to_owned(), SourceText::Bytes(vec![0, 1, 255])),
    ];
    Image::new(SourceTexts::from(columns))
}

fn change(number: u64) -> Change {
    Change {
        key: key(number),
        version: Version { major: number, minor: 1 },
        after: (!number.is_multiple_of(5)).then(|| image(&number.to_string())),
        before: number.is_multiple_of(3).then(|| image("before")),
        mark: if number.is_multiple_of(7) { Mark::Bridge(NAME.to_owned()) } else { Mark::None },
    }
}

/// The cut of a stream from one position to the next, with changes of these numbers.
fn cut(stream: &Stream, from: u64, numbers: std::ops::Range<u64>) -> Cut {
    Cut {
        stream: stream.clone(),
        incarnation: Incarnation("life 1".to_owned()),
        from: Position(from.to_string()),
        next: Position((from + 1).to_string()),
        complete_through: Version { major: numbers.end, minor: 0 },
        schema: Digest::of(b"schema"),
        changes: numbers.map(change).collect(),
    }
}

fn mappings() -> Digest {
    Digest::of(b"mappings")
}

/// Journals three cuts: 4 changes, none, 3 changes.
fn journaled(home: &dyn Home) -> Checkpoint {
    let mut store = home.bridge();
    for (from, numbers) in [(0, 1..5), (1, 5..5), (2, 5..8)] {
        store.append(&cut(&legacy(), from, numbers), mappings()).unwrap();
    }
    store.checkpoint().unwrap()
}

fn decided(text: &str, at: i64) -> Decided {
    Decided { at: time(at), by: "Beslutsfattare".to_owned(), evidence: Digest::of(text.as_bytes()) }
}

fn kind<T>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.kind(),
    }
}
