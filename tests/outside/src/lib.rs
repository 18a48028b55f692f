//! What a harness needs that stands outside the program and tries it: the program as a child, a look into its target,
//! numbers that look drawn, a file of what came out, a command line, and folders that are copied.
//!
//! The crate knows the command line, the files of a project and the tables of a target, and none of the code that is
//! tried with it.

mod asked;
mod draw;
mod folders;
mod journal;
mod look;
mod program;

pub use asked::{Asked, answer, beside, wrong};
pub use draw::Draw;
pub use folders::{copy_folder, walk};
pub use journal::Journal;
pub use look::{Kind, Look, Part, Place, Receipts, Rows};
pub use program::{Ended, Program, last_words, said};
