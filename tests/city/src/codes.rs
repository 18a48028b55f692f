//! Code lists: ordinary Swedish terms under invented codes.

use crate::calendar::Day;

/// A business area, `ARENDE.VO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Area {
    /// Ekonomiskt bistånd.
    Eb,
    /// Barn och ungdom.
    Bu,
    /// Vuxna.
    Vu,
    /// Funktionsnedsättning.
    Fn,
    /// Socialpsykiatri.
    Sp,
    /// Äldreomsorg; its code is written with Ä.
    Ao,
    /// Arbetsmarknadsinsatser.
    Am,
}

/// What an area decides: types of decision, insatser and paragraphs.
pub(crate) struct AreaCodes {
    pub(crate) vo: &'static str,
    pub(crate) lag: &'static str,
    pub(crate) btyp: &'static [&'static str],
    pub(crate) insats: &'static [&'static str],
    pub(crate) lagrum: &'static [&'static str],
}

impl Area {
    /// The codes that rows of this area use.
    pub(crate) const fn codes(self) -> &'static AreaCodes {
        match self {
            Self::Eb => &EB,
            Self::Bu => &BU,
            Self::Vu => &VU,
            Self::Fn => &FN,
            Self::Sp => &SP,
            Self::Ao => &AO,
            Self::Am => &AM,
        }
    }
}

const SOL_4_1: &str = "4 kap. 1 § SoL";

const EB: AreaCodes = AreaCodes {
    vo: "EB",
    lag: "SOL",
    btyp: &["EBMN", "EBLF", "EBHY", "EBÅT"],
    insats: &["AKTI"],
    lagrum: &[SOL_4_1, SOL_4_1, SOL_4_1, "4 kap. 3 § SoL", "4 kap. 2 § SoL"],
};
const BU: AreaCodes = AreaCodes {
    vo: "BU",
    lag: "SOL",
    btyp: &["BUÖV", "BUPL", "BUKO", "BULV"],
    insats: &["KOPE", "KOFA", "FAMB", "STRU", "FAHE", "JOUR"],
    lagrum: &[SOL_4_1, SOL_4_1, SOL_4_1, "2 § LVU", "3 § LVU"],
};
const VU: AreaCodes = AreaCodes {
    vo: "VU",
    lag: "SOL",
    btyp: &["VUBO", "VUBE", "VUSK"],
    insats: &["SKYB", "BEHM", "STOD", "KOPE"],
    lagrum: &[SOL_4_1, SOL_4_1, "4 § LVM"],
};
const FN: AreaCodes = AreaCodes {
    vo: "FN",
    lag: "LSS",
    btyp: &["LSSI", "LSSB"],
    insats: &["LEDS", "AVLÖ", "KOPE"],
    lagrum: &["9 § 3 LSS", "9 § 4 LSS", "9 § 5 LSS", "9 § 6 LSS", "9 § 9 LSS", "9 § 10 LSS"],
};
const SP: AreaCodes = AreaCodes {
    vo: "SP",
    lag: "SOL",
    btyp: &["SPBS", "SPSY"],
    insats: &["LEDS", "DAGV", "STOD"],
    lagrum: &[SOL_4_1],
};
const AO: AreaCodes = AreaCodes {
    vo: "ÄO",
    lag: "SOL",
    btyp: &["ÄOHT", "ÄOVO", "ÄOTR", "ÄOKO"],
    insats: &["HTSE", "HTOM", "TRYG", "LEDS", "AVLÖ", "DAGV", "KORT", "VOBO", "SERV", "HVBI", "MATD"],
    lagrum: &[SOL_4_1],
};
const AM: AreaCodes =
    AreaCodes { vo: "AM", lag: "SOL", btyp: &["AMPR"], insats: &["AKTI"], lagrum: &[SOL_4_1] };

/// Reasons for an end, `AVSLORS`. The first ones can stand for any ended case.
pub(crate) const END_REASONS: [&str; 9] = ["BEH", "EGE", "FLI", "FLU", "ERS", "ALD", "ATK", "AVS", "AVL"];

/// Ways to pay, `BETSATT`; the first is the usual one.
pub(crate) const PAYMENT_WAYS: [&str; 5] = ["PK", "BG", "PG", "KO", "RK"];

/// Expenses in a calculation of ekonomiskt bistånd.
pub(crate) const EXPENSES: [&str; 11] =
    ["ELKO", "HEMF", "RESA", "FACK", "LAKA", "TAND", "GLAS", "BARN", "FLYT", "BEGR", "UTRU"];

/// Incomes in a calculation of ekonomiskt bistånd.
pub(crate) const INCOMES: [&str; 12] =
    ["LÖN", "AKTI", "DAGP", "BARB", "BOSB", "UNDH", "FÖRP", "SJUK", "ETAB", "PENS", "STUD", "SKAT"];

/// The old type of a month's decision, and the last day on which it could be used.
pub(crate) const OLD_MONTH: &str = "EBSB";
/// See [`OLD_MONTH`].
pub(crate) const OLD_MONTH_ENDED: Day = Day::of(2011, 12, 31);

/// A section of a law that came into force on 2025-07-01.
pub(crate) const LATER_LAW: &str = "SoL (2025:400) 11:1";

/// Codes that are in no list: old habits of typing.
pub(crate) const UNKNOWN_CODES: [&str; 4] = ["QX1", "ZZZ", "GML", "9X9"];

/// Free spellings of law that mean known paragraphs, by the canonical spelling they replace.
pub(crate) fn free_spellings(canonical: &str) -> &'static [&'static str] {
    match canonical {
        "4 kap. 2 § SoL" => &["4 kap 2§ SoL", "4:2 SoL"],
        "4 kap. 3 § SoL" => &["4 kap 3§ SoL", "4:3 SoL"],
        "2 § LVU" => &["LVU 2§", "2, 3 §§ LVU"],
        "3 § LVU" => &["LVU 3§", "2, 3 §§ LVU"],
        "4 § LVM" => &["LVM 4§"],
        "9 § 3 LSS" => &["9§ p.3 LSS", "LSS 9:3"],
        "9 § 4 LSS" => &["9§ p.4 LSS", "LSS 9:4"],
        "9 § 5 LSS" => &["9§ p.5 LSS", "LSS 9:5"],
        "9 § 6 LSS" => &["9§ p.6 LSS", "LSS 9:6"],
        "9 § 9 LSS" => &["9§ p.9 LSS", "LSS 9:9"],
        "9 § 10 LSS" => &["9§ p.10 LSS", "LSS 9:10"],
        _ => &[
            "4 kap 1§ SoL",
            "4:1 SoL",
            "SOL 4.1",
            "SoL 4 kap 1 §",
            "4kap1§sol",
            "SoL (2001:453) 4:1",
            "4 kap 1 § 2 st SoL",
            "SoL 4:1+4:2",
        ],
    }
}

/// References to law that mean no paragraph.
pub(crate) const UNREADABLE_LAW: [&str; 3] = ["se utr", "-", "SoL"];

/// A row of `KODTAB`.
pub(crate) struct CodeRow {
    pub(crate) table: &'static str,
    pub(crate) code: &'static str,
    pub(crate) text: &'static str,
    pub(crate) from: Day,
    pub(crate) to: Option<Day>,
    /// Whether a later row gives the code another meaning (D19).
    pub(crate) reused: bool,
}

const BEGIN: Day = Day::of(1998, 1, 1);
/// The day on which two codes got a new meaning.
const REUSE: Day = Day::of(2010, 1, 1);

/// (code, text) per list.
type List = (&'static str, &'static [(&'static str, &'static str)]);

const LISTS: [List; 6] = [
    (
        "VO",
        &[
            ("EB", "Ekonomiskt bistånd"),
            ("BU", "Barn och ungdom"),
            ("VU", "Vuxna"),
            ("FN", "Funktionsnedsättning"),
            ("SP", "Socialpsykiatri"),
            ("ÄO", "Äldreomsorg"),
            ("AM", "Arbetsmarknadsinsatser"),
        ],
    ),
    (
        "BTYP",
        &[
            ("EBMN", "Försörjningsstöd, månad"),
            ("EBLF", "Livsföring i övrigt"),
            ("EBHY", "Hyresskuld"),
            ("EBÅT", "Bistånd mot återbetalning"),
            ("EBDÖ", "Dödsboanmälan"),
            (OLD_MONTH, "Socialbidrag, månad"),
            ("BUÖV", "Öppenvård"),
            ("BUPL", "Placering"),
            ("BUKO", "Kontaktperson eller kontaktfamilj"),
            ("BULV", "Vård enligt LVU"),
            ("VUBO", "Boende för vuxna"),
            ("VUBE", "Behandling"),
            ("VUSK", "Skyddat boende"),
            ("LSSI", "Insats enligt LSS"),
            ("LSSB", "Bostad enligt LSS"),
            ("SPBS", "Boendestöd"),
            ("SPSY", "Sysselsättning"),
            ("ÄOHT", "Hemtjänst"),
            ("ÄOVO", "Vård- och omsorgsboende"),
            ("ÄOTR", "Trygghetslarm"),
            ("ÄOKO", "Korttidsvård"),
            ("AMPR", "Arbetspraktik"),
        ],
    ),
    (
        "AVSL",
        &[
            ("BEH", "Behov upphört"),
            ("EGE", "Egen begäran"),
            ("FLI", "Flyttat inom staden"),
            ("FLU", "Flyttat ut"),
            ("ERS", "Ny insats ersätter"),
            ("ALD", "Ålder"),
            ("ATK", "Återkallad"),
            ("AVS", "Avslag"),
            ("AVL", "Avliden"),
        ],
    ),
    (
        "INSK",
        &[
            ("HTSE", "Serviceinsats"),
            ("HTOM", "Omvårdnad"),
            ("TRYG", "Trygghetslarm"),
            ("LEDS", "Ledsagning"),
            ("AVLÖ", "Avlösning"),
            ("DAGV", "Dagverksamhet"),
            ("KORT", "Korttidsvård"),
            ("VOBO", "Vård- och omsorgsboende"),
            ("SERV", "Servicehus"),
            ("HVBI", "Hemvårdsbidrag"),
            ("MATD", "Matdistribution"),
            ("KOPE", "Kontaktperson"),
            ("KOFA", "Kontaktfamilj"),
            ("FAMB", "Familjebehandling"),
            ("STRU", "Strukturerad öppenvård"),
            ("FAHE", "Familjehem"),
            ("JOUR", "Jourhem"),
            ("STOD", "Stödboende"),
            ("SKYB", "Skyddat boende"),
            ("BEHM", "Missbruksbehandling"),
            ("AKTI", "Aktivering"),
        ],
    ),
    (
        "POST",
        &[
            ("NPER", "Norm per person"),
            ("NGEM", "Norm gemensamma kostnader"),
            ("BOEN", "Boende"),
            ("ELKO", "Hushållsel"),
            ("HEMF", "Hemförsäkring"),
            ("RESA", "Arbetsresor"),
            ("FACK", "Fackavgift"),
            ("LAKA", "Läkarvård och medicin"),
            ("TAND", "Tandvård"),
            ("GLAS", "Glasögon"),
            ("BARN", "Barnomsorg"),
            ("FLYT", "Flytt"),
            ("BEGR", "Begravning"),
            ("UTRU", "Spädbarnsutrustning"),
            ("ÖVRI", "Övrigt tillägg"),
            ("LÖN", "Lön"),
            ("AKTI", "Aktivitetsstöd"),
            ("DAGP", "Dagpenning"),
            ("BARB", "Barnbidrag"),
            ("BOSB", "Bostadsbidrag"),
            ("UNDH", "Underhållsstöd"),
            ("FÖRP", "Föräldrapenning"),
            ("SJUK", "Sjukpenning"),
            ("ETAB", "Etableringsersättning"),
            ("PENS", "Pension"),
            ("STUD", "Studiestöd"),
            ("SKAT", "Skatteåterbäring"),
        ],
    ),
    (
        "BETS",
        &[
            ("PK", "Personkonto"),
            ("BG", "Bankgiro"),
            ("PG", "Plusgiro"),
            ("KO", "Konto"),
            ("RK", "Rekvisition"),
        ],
    ),
];

/// Codes that were given a new text from [`REUSE`] on: (list, code, the new text).
const REUSED: [(&str, &str, &str); 2] =
    [("INSK", "LEDS", "Ledsagning och promenad"), ("BTYP", "VUBO", "Bostad med stöd för vuxna")];

/// Every row of `KODTAB`, in order; a code that was reused has two.
pub(crate) fn code_rows() -> Vec<CodeRow> {
    let mut rows = Vec::new();
    for (table, codes) in LISTS {
        for (code, text) in codes {
            let reused = REUSED.iter().find(|(list, reused, _)| (*list, *reused) == (table, code));
            let ended = (*code == OLD_MONTH).then_some(OLD_MONTH_ENDED);
            let to = reused.map(|_| REUSE.plus(-1)).or(ended);
            rows.push(CodeRow { table, code, text, from: BEGIN, to, reused: reused.is_some() });
            if let Some((_, _, text)) = reused {
                rows.push(CodeRow { table, code, text, from: REUSE, to: None, reused: false });
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREAS: [Area; 7] = [Area::Eb, Area::Bu, Area::Vu, Area::Fn, Area::Sp, Area::Ao, Area::Am];

    fn listed(table: &str, code: &str) -> bool {
        code_rows().iter().any(|row| row.table == table && row.code == code)
    }

    #[test]
    fn every_code_that_rows_use_is_listed_and_the_unknown_ones_are_not() {
        for area in AREAS {
            let codes = area.codes();
            assert!(listed("VO", codes.vo));
            assert!(codes.btyp.iter().all(|code| listed("BTYP", code)));
            assert!(codes.insats.iter().all(|code| listed("INSK", code)));
        }
        assert!(END_REASONS.iter().all(|code| listed("AVSL", code)));
        assert!(PAYMENT_WAYS.iter().all(|code| listed("BETS", code)));
        assert!(EXPENSES.iter().chain(&INCOMES).all(|code| listed("POST", code)));
        let all = code_rows();
        assert!(UNKNOWN_CODES.iter().all(|code| all.iter().all(|row| row.code != *code)));
    }

    #[test]
    fn every_paragraph_has_free_spellings_that_fit_the_column() {
        for lagrum in AREAS.iter().flat_map(|area| area.codes().lagrum) {
            for free in free_spellings(lagrum) {
                assert!(free.chars().count() <= 20, "{free}");
                assert_ne!(free, lagrum);
            }
        }
    }

    #[test]
    fn a_reused_code_has_two_periods_that_meet() {
        let rows = code_rows();
        let leds: Vec<_> = rows.iter().filter(|row| row.code == "LEDS").collect();
        assert_eq!(leds.len(), 2);
        assert_eq!(leds[0].to.unwrap().plus(1), leds[1].from);
        assert_ne!(leds[0].text, leds[1].text);
    }
}
