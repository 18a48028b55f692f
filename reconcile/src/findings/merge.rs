//! Two sorted lists of findings, side by side.

use std::cmp::Ordering;
use std::iter::Peekable;

/// What becomes of a finding from one list to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Only the list of now has it.
    New(T),
    /// Both have it: as it is now, and as it was before.
    Persisting(T, T),
    /// Only the list before has it.
    Resolved(T),
}

/// Compares two lists that are both in the order of `name`, in which no name comes twice. Holds one entry of each.
/// The first error of a list is handed on, and nothing after it means anything.
pub fn merge<T, E>(
    now: impl Iterator<Item = Result<T, E>>,
    before: impl Iterator<Item = Result<T, E>>,
    order: impl Fn(&T, &T) -> Ordering,
) -> impl Iterator<Item = Result<Step<T>, E>> {
    let (mut now, mut before) = (now.peekable(), before.peekable());
    std::iter::from_fn(move || {
        let next = match (now.peek(), before.peek()) {
            (None, None) => return None,
            (Some(Err(_)), _) | (Some(Ok(_)), None) => Ordering::Less,
            (None | Some(Ok(_)), Some(Err(_))) | (None, Some(Ok(_))) => Ordering::Greater,
            (Some(Ok(here)), Some(Ok(there))) => order(here, there),
        };
        Some(match next {
            Ordering::Less => taken(&mut now).map(Step::New),
            Ordering::Greater => taken(&mut before).map(Step::Resolved),
            Ordering::Equal => {
                taken(&mut now).and_then(|here| taken(&mut before).map(|there| Step::Persisting(here, there)))
            }
        })
    })
}

fn taken<I: Iterator>(entries: &mut Peekable<I>) -> I::Item {
    entries.next().expect("the entry was looked at")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Entry = Result<(u32, &'static str), &'static str>;

    fn merged(now: Vec<Entry>, before: Vec<Entry>) -> Vec<Result<Step<(u32, &'static str)>, &'static str>> {
        merge(now.into_iter(), before.into_iter(), |a, b| a.0.cmp(&b.0)).collect()
    }

    #[test]
    fn every_entry_of_both_lists_comes_once() {
        let now = vec![Ok((1, "now")), Ok((3, "now")), Ok((4, "now"))];
        let before = vec![Ok((2, "before")), Ok((3, "before")), Ok((9, "before"))];
        assert_eq!(
            merged(now, before),
            [
                Ok(Step::New((1, "now"))),
                Ok(Step::Resolved((2, "before"))),
                Ok(Step::Persisting((3, "now"), (3, "before"))),
                Ok(Step::New((4, "now"))),
                Ok(Step::Resolved((9, "before"))),
            ]
        );
        assert_eq!(merged(Vec::new(), vec![Ok((1, "b"))]), [Ok(Step::Resolved((1, "b")))]);
        assert_eq!(merged(vec![Ok((1, "n"))], Vec::new()), [Ok(Step::New((1, "n")))]);
    }

    #[test]
    fn an_error_of_either_list_is_handed_on() {
        assert_eq!(merged(vec![Err("now")], vec![Ok((1, "b"))])[0], Err("now"));
        assert_eq!(merged(vec![Ok((1, "n"))], vec![Err("before")])[0], Err("before"));
        assert_eq!(merged(Vec::new(), vec![Err("before")])[0], Err("before"));
    }
}
