//! How often each defect is put in.

use crate::truth::Quota;

/// Declares the quotas: a field, its stream, its rate per million eligible rows, and which of them has it for
/// certain.
macro_rules! quotas {
    ($($field:ident: $purpose:literal, $per_million:literal, $first:literal;)*) => {
        /// Which rows are to be wrong.
        pub(super) struct Quotas {
            $(pub(super) $field: Quota,)*
        }

        impl Quotas {
            pub(super) fn new(seed: u64) -> Self {
                Self { $($field: Quota::new(seed, $purpose, $per_million, $first),)* }
            }
        }
    };
}

// Rates are per row that could have the defect, set so that the share of all rows is about that of the
// catalogue: about half of all addresses, an eighth of all decisions and a third of all insatser have an open
// end; an eighth of all months have a decision without an amount.
quotas! {
    adress_open_end: "D23/ADRESS", 72_000, 2;
    adress_order: "D24/ADRESS", 6_500, 3;
    arende_code: "D18/ARENDE", 8_000, 3;
    aktual_future: "D25", 4_000, 2;
    beslut_code: "D18/BESLUT", 6_000, 5;
    beslut_code_period: "D20", 40_000, 2;
    beslut_law: "D21/BESLUT", 80_000, 2;
    beslut_no_law: "D21_unparsed/BESLUT", 5_000, 7;
    beslut_later_law: "D22", 1_000, 9;
    beslut_open_end: "D23/BESLUT", 240_000, 2;
    beslut_order: "D24/BESLUT", 3_500, 3;
    beslut_order_money: "D24/BESLUT/money", 3_500, 4;
    beslut_followed: "D27", 160_000, 1;
    beslut_overlap: "D28", 16_000, 2;
    beslut_without_utredning: "D29", 40_000, 2;
    beslut_without_insats: "D30/BESLUT", 12_000, 3;
    beslut_late_retro: "D32", 80_000, 2;
    beslut_circle: "D33/circle", 100, 6;
    beslut_foreign: "D33/person", 100, 9;
    insats_alone: "D30/INSATS", 12_000, 4;
    insats_code: "D18/INSATS", 6_000, 4;
    insats_open_end: "D23/INSATS", 110_000, 2;
    insats_order: "D24/INSATS", 4_500, 3;
    bestall_receiver: "D31", 3_000, 3;
    household_head: "D34", 2_000, 2;
    household_twice: "D35", 20_000, 1;
    household_alternating: "H18", 200_000, 1;
    berak_sum: "D36", 7_000, 2;
    berak_norm: "D37", 2_000, 5;
    payment_twice: "D42", 300, 4;
    payment_voided: "H14", 4_000, 3;
    payment_voided_alone: "D41", 1_000, 6;
    payment_no_decision: "D39", 4_000, 8;
    payment_lost_decision: "D79/UTBET", 1_000, 10;
    payment_paid_anyway: "D40", 1_000, 12;
    payment_no_voucher: "D44", 2_000, 14;
    payment_batch: "D43/UTBET", 100, 16;
    payment_one_hand: "D81", 5_000, 4;
    payment_reclaimed: "ATERKRAV", 10_000, 2;
    decision_replaced: "H11", 25_000, 5;
    fee_above_cap: "D46", 1_000, 5;
    invoice_unreferenced: "D45", 2_000, 4;
    invoice_after_death: "D47", 100_000, 1;
    invoice_batch: "D43/FAKTUND", 100, 12;
    debit_part_of_ore: "D38", 500, 6;
    debit_batch: "D43/INTDEB", 100, 14;
    note_unsigned: "D48", 35_000, 10;
    note_heading: "D17", 3_000, 14;
    note_reused_author: "D49", 3_000, 18;
    note_outside: "D50", 4_000, 22;
    note_address: "D12", 20_000, 2;
    note_lost_original: "D52", 200, 30;
    note_lost_akt: "D79/JOURNAL", 300, 40;
}
