//! A line to the server that is cut.

use std::io::{Error, Result};

use bron_outside::{Draw, Kind, Place};
use bron_servers::Proxy;

use super::{Tried, settle};
use crate::bench::Bench;
use crate::ground::Ground;
use crate::program::{Work, wait};
use crate::stage::Start;

/// What ends a transaction, as it goes over the line.
pub(crate) const COMMIT: &str = "COMMIT";
/// Most commits that are let through before the one whose answer is lost: about as many as a load makes.
const COMMITS: u64 = 20;
/// The greatest part of an answer to COMMIT that is let through, in bytes.
const ANSWER: u64 = 12;

pub(super) fn trial(bench: &mut Bench, draw: &mut Draw) -> Result<Tried> {
    let start = *draw.one_of(&Start::ALL);
    let mut ground = bench.lay(Kind::Postgres, start, Work::Load)?;
    let proxy = through(bench, &mut ground)?;
    let fault = match draw.below(3) {
        0 => {
            let doublings = draw.below(12);
            let bytes = draw.below(256 << doublings);
            proxy.cut_questions_after(usize::try_from(bytes).map_err(Error::other)?);
            format!("cut after byte {bytes} of what it said")
        }
        1 => {
            let doublings = draw.below(8);
            let bytes = draw.below(256 << doublings);
            proxy.cut_answers_after(usize::try_from(bytes).map_err(Error::other)?);
            format!("cut after byte {bytes} of the answers")
        }
        _ => {
            let (before, bytes) = (draw.below(COMMITS), draw.below(ANSWER));
            (0..before).for_each(|_| proxy.pass_at(COMMIT));
            proxy.cut_at(COMMIT, usize::try_from(bytes).map_err(Error::other)?);
            format!("cut after byte {bytes} of the answer to COMMIT {}", before + 1)
        }
    };
    let mut tried = Tried { fault: format!("{} load, {fault}", start.name()), ..Tried::default() };
    let ended = wait(&mut ground.start()?)?;
    tried.struck = u64::from(proxy.cuts() > 0);
    tried.broken += ground.ended(ended)?;
    settle(bench, ground, &mut tried)?;
    Ok(tried)
}

/// Puts a proxy between the program and the target.
pub(crate) fn through(bench: &Bench, ground: &mut Ground) -> Result<Proxy> {
    let port = bench.served().port();
    let proxy = Proxy::start(port)?;
    if let Place::Server(url) = &ground.place {
        ground.way = Place::Server(url.replace(&format!(":{port}/"), &format!(":{}/", proxy.port())));
    }
    Ok(proxy)
}
