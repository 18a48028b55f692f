//! Small counts, which could point at a person.

/// Counts from one up to this are hidden.
const FEW: u64 = 4;

/// A count as a breakdown shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As it is.
    Number(u64),
    /// One to four.
    Few,
    /// Hidden because a hidden count could be worked out from it.
    Hidden,
}

impl Shown {
    const fn is_number(self) -> bool {
        matches!(self, Self::Number(_))
    }
}

/// A cell: row and column.
type Cell = (usize, usize);

/// Hides small counts of a table whose rows add up (the first column is the sum of the others) and whose
/// column totals are known. A row or column with a single hidden count gets a second, because a single
/// one is the total minus the rest. The second is taken where it needs the fewest others to protect it.
pub(crate) fn suppress<const N: usize>(table: &[[u64; N]]) -> Vec<[Shown; N]> {
    let primary = |number: u64| if (1..=FEW).contains(&number) { Shown::Few } else { Shown::Number(number) };
    let mut shown: Vec<[Shown; N]> = table.iter().map(|row| row.map(primary)).collect();
    let row = |row: usize| -> Vec<Cell> { (0..N).map(|at| (row, at)).collect() };
    let column = |at: usize| -> Vec<Cell> { (0..table.len()).map(|row| (row, at)).collect() };
    loop {
        let hid_in_row =
            (0..table.len()).any(|index| hide_second(table, &row(index), |(_, at)| column(at), &mut shown));
        let hid = hid_in_row
            || (0..N).any(|index| hide_second(table, &column(index), |(at, _)| row(at), &mut shown));
        if !hid {
            return shown;
        }
    }
}

/// Hides a second count in a line that has a single hidden one. Says whether it hid anything.
fn hide_second<const N: usize>(
    table: &[[u64; N]],
    line: &[Cell],
    crossing: impl Fn(Cell) -> Vec<Cell>,
    shown: &mut [[Shown; N]],
) -> bool {
    let is_number = |(row, at): Cell| shown[row][at].is_number();
    if line.iter().filter(|cell| !is_number(**cell)).count() != 1 {
        return false;
    }
    let can_hide = |cell: Cell| is_number(cell) && table[cell.0][cell.1] > 0;
    // Best beside a count that is hidden already, worst where nothing could be hidden beside it.
    let rank = |cell: Cell| {
        let others: Vec<Cell> = crossing(cell).into_iter().filter(|other| *other != cell).collect();
        match (others.iter().any(|other| !is_number(*other)), others.iter().any(|other| can_hide(*other))) {
            (true, _) => 0_u8,
            (false, true) => 1,
            (false, false) => 2,
        }
    };
    let second = line.iter().copied().filter(|cell| can_hide(*cell));
    let second = second.min_by_key(|cell| (rank(*cell), table[cell.0][cell.1]));
    second.map(|(row, at)| shown[row][at] = Shown::Hidden).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_single_small_count_takes_a_second_with_it() {
        let shown = suppress(&[[103, 100, 3], [50, 50, 0], [40, 30, 10]]);
        assert_eq!(shown[0], [Shown::Number(103), Shown::Hidden, Shown::Few]);
        assert_eq!(shown[2][2], Shown::Hidden);
        assert_eq!(shown[1][2], Shown::Number(0));
    }

    #[test]
    fn four_cells_are_enough_where_four_can_do_it() {
        let table = [[160, 100, 9, 50, 1], [180, 100, 0, 60, 20], [170, 100, 0, 40, 30]];
        let hidden = suppress(&table).iter().flatten().filter(|cell| !cell.is_number()).count();
        assert_eq!(hidden, 4);
    }

    #[test]
    fn tables_without_small_counts_are_shown_as_they_are() {
        assert_eq!(suppress(&[[10, 5, 5]]), [[Shown::Number(10), Shown::Number(5), Shown::Number(5)]]);
        assert!(suppress::<3>(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn no_line_has_one_hidden_count_beside_another_that_is_not_zero(
            parts in proptest::collection::vec(proptest::array::uniform3(0_u64..40), 1..12),
        ) {
            let table: Vec<[u64; 4]> = parts.iter().map(|[a, b, c]| [a + b + c, *a, *b, *c]).collect();
            let shown = suppress(&table);
            for (row, numbers) in table.iter().enumerate() {
                for (at, &number) in numbers.iter().enumerate() {
                    prop_assert!(!(1..=FEW).contains(&number) || shown[row][at] == Shown::Few);
                    prop_assert!(number > 0 || shown[row][at] == Shown::Number(0));
                }
                let hidden = shown[row].iter().filter(|cell| !cell.is_number()).count();
                prop_assert!(hidden != 1);
            }
            for at in 0..4 {
                let hidden = shown.iter().filter(|row| !row[at].is_number()).count();
                let others = (0..table.len()).filter(|row| shown[*row][at].is_number() && table[*row][at] > 0).count();
                prop_assert!(hidden != 1 || others == 0);
            }
        }
    }
}
