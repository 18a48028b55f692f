//! The one integration binary. Every test that looks at the project from outside a crate is a
//! module of it, so that the workspace links once and the modules share what they need.
//!
//! | module | question it answers |
//! |---|---|
//! | [`structure`] | does the tree keep its own rules: edges between crates, layout, tidiness, harmless fixtures? |
//! | [`authoring`] | do the tools for the author of mappings say what the files say, and only that? |
//! | [`checking`] | does a check report every mistake of the mapping files at once? |
//! | [`determinism`] | do the same inputs give the same bytes, and twice the same as once? |
//! | [`incremental`] | does a later snapshot change what changed, retire what is gone, and do what was planned? |
//! | [`interrupted_loads`] | does a load that stopped in its midst go on, or start over for another run? |
//! | [`looks`] | is the target put back, looked at twice while others write, and compared in parts? |
//! | [`truth`] | is every row and every planted defect accounted for? |
//! | [`incidents`] | is what only a second reading or a hand in the files can show found, by the code of its defect? |
//! | [`formats`] | is what an older program wrote read, and what a newer one wrote refused? |
//! | [`corruption`] | is what somebody changed in the target found, and exactly that? |
//! | [`plantings`] | is every kind of damage in a target seen, and located to the exact row and field? |
//! | [`findings`] | are findings followed from run to run, accepted by people, and explained record by record? |
//! | [`failures`] | is what goes wrong said clearly, and does the next run complete? |
//! | [`comparing`] | are two tables compared wherever they lie, and is what cannot be proven never called equal? |
//! | [`false_equal`] | is no pair of different values called equal that other comparisons call so? |
//! | [`sources`] | is a source that nobody has described described, without naming anybody? |
//! | [`canaries`] | is nobody named in what is printed, and in no file that is not rows? |
//! | [`sqlserver`] | do records in a SQL Server come over as those in a file do? |
//! | [`live_faults`] | is what goes wrong with a server while it is read told, and does the reading get on? |
//! | [`identity`] | are records of one human linked, asked about and protected, and nobody else? |
//! | [`quality`] | do work lists say what to do and what became of it since the run before? |
//! | [`quarantine`] | are rows that did not come over shown to whoever may see them, decided about and run again? |
//! | [`report`] | do the pages, the workbook and the data that the business signs say the same, of nobody? |
//! | [`refusals`] | does a row that the target refuses keep no other back, and is it accounted for to the end? |
//! | [`signoff`] | does a sign-off hold as long as what was signed is there, and no longer? |
//! | [`audit`] | is every act noted before it shows, and every hand in the log found? |
//! | [`diff`] | is a difference between two versions told by meaning, with the effect that the rows have? |
//! | [`hard_cases`] | does what is easily got wrong come over as the business requires? |
//! | [`shared_target`] | can one target be filled by several projects, each judging its own rows? |
//! | [`walls`] | are health care and guardians kept apart, whole, and behind their own secrecy? |
//! | [`foreign`] | do records of a foreign schema migrate with mapping files alone? |
//! | [`doctor`] | is what will go wrong said before the run, with what to do about it? |
//! | [`grants`] | are the printed rights enough for the work, and none of them too many? |
//! | [`tls`] | is a server believed only when it proves who it is, and told no password before? |
//! | [`jobs`] | are jobs run once, noted, and never beside themselves? |
//! | [`sealed`] | does a run with a key keep nothing in the clear, give the same result, and end with its key? |
//! | [`documentation`] | does the documentation name what the program knows, without dead links? |
//! | `crashes` | is killed, refused, cut off and run again the same as undisturbed? (feature `fault-tests`) |
//! | `connectors` | are the same records staged the same, whatever they are read from? (all features of servers) |
//! | `relocation` | puts a system's records elsewhere, for the tests of servers (features of servers) |
//! | `live_sources` | does a system on a server come over as one in a file? (feature `postgres-tests`) |
//! | `postgres` | does PostgreSQL give the same result? (feature `postgres-tests`) |
//! | `odbc` | does a source give the same rows through an ODBC driver? (feature `odbc-tests`) |
//! | `browser` | does the report open, fit and print? (feature `browser-tests`) |

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, helpers of tests included")]
#![expect(clippy::print_stdout, reason = "a test tells what it measured and why it skipped")]

mod audit;
mod authoring;
#[cfg(feature = "browser-tests")]
mod browser;
mod canaries;
mod checking;
mod comparing;
#[cfg(all(feature = "postgres-tests", feature = "mariadb-tests", feature = "odbc-tests"))]
mod connectors;
mod corruption;
#[cfg(feature = "fault-tests")]
mod crashes;
mod determinism;
mod diff;
mod doctor;
mod documentation;
mod failures;
mod false_equal;
mod findings;
mod foreign;
mod formats;
mod grants;
mod hard_cases;
mod identity;
mod incidents;
mod incremental;
#[cfg(feature = "postgres-tests")]
mod interrupted_loads;
mod jobs;
mod live_faults;
#[cfg(feature = "postgres-tests")]
mod live_sources;
mod looks;
#[cfg(feature = "odbc-tests")]
mod odbc;
mod plantings;
#[cfg(feature = "postgres-tests")]
mod postgres;
mod quality;
mod quarantine;
mod refusals;
#[cfg(any(feature = "postgres-tests", feature = "mariadb-tests"))]
mod relocation;
mod report;
mod sealed;
mod shared_target;
mod signoff;
mod sources;
mod sqlserver;
mod structure;
mod support;
mod tls;
mod truth;
mod walls;
