//! Which statement of the earlier version became which of the later one.

/// Two sides of one thing; at least one is there.
pub(super) type Pair<'a, T> = (Option<&'a T>, Option<&'a T>);

/// A name that statements of the two versions can have in common.
pub(super) type Name<'a, T> = &'a dyn Fn(&T) -> String;

/// Pairs the statements of two versions: first those that have the first of the names in common, then of
/// the rest those that have the second, and so on. What has no other side stands alone. The order of
/// statements decides only between statements of one name.
pub(super) fn pair<'a, T>(before: &'a [T], after: &'a [T], names: &[Name<'_, T>]) -> Vec<Pair<'a, T>> {
    let mut partner: Vec<Option<usize>> = vec![None; before.len()];
    let mut taken = vec![false; after.len()];
    for name in names {
        for (old, partner) in before.iter().zip(&mut partner).filter(|(_, partner)| partner.is_none()) {
            let wanted = name(old);
            let found = (0..after.len()).find(|&at| !taken[at] && name(&after[at]) == wanted);
            if let Some(at) = found {
                taken[at] = true;
                *partner = Some(at);
            }
        }
    }
    let old = before.iter().zip(partner).map(|(old, partner)| (Some(old), partner.map(|at| &after[at])));
    let new = after.iter().zip(taken).filter(|(_, taken)| !taken).map(|(new, _)| (None, Some(new)));
    old.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ones_meet_whatever_their_order() {
        let (before, after) = (["a1", "b1", "b2"], ["b2", "a2", "c1"]);
        let whole: Name<'_, &str> = &|text| (*text).to_owned();
        let letter: Name<'_, &str> = &|text| text[..1].to_owned();
        let pairs = pair(&before, &after, &[whole, letter]);
        let expected = [
            (Some(&"a1"), Some(&"a2")),
            (Some(&"b1"), None),
            (Some(&"b2"), Some(&"b2")),
            (None, Some(&"c1")),
        ];
        assert_eq!(pairs, expected);
    }
}
