//! The condition of every defect of Paraply, as SQL.

use crate::Action::{self, Fix, Flag, Norm, Quarantine, Stop};

/// A defect: id, table, action, the key as text, and the condition.
pub(super) struct Check(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) Action,
    pub(super) &'static str,
    pub(super) &'static str,
);

const PERSONS: [Check; 7] = [
    Check(
        "D07",
        "PERSON",
        Flag,
        "PERS_ID",
        "length(PNR) = 12 AND PNR NOT IN ('191212121212', 'XXXXXXXXXXXX') AND PNR NOT LIKE '____0230%' AND \
         PNRTYP <> 'R' AND EXISTS (SELECT 1 FROM PERSON o \
         WHERE o.PNR = PERSON.PNR AND o.PERS_ID <> PERSON.PERS_ID)",
    ),
    Check(
        "D08",
        "PERSON",
        Quarantine,
        "PERS_ID",
        "FODDAT IS NOT NULL AND PNR IS NOT NULL AND substr(FODDAT, 3, 2) <> substr(PNR, -10, 2) \
         AND (substr(PNR, -2, 1) % 2 = 1) <> (KON = 'M')",
    ),
    Check(
        "D09",
        "PERSON",
        Flag,
        "PERS_ID",
        "FODDAT IS NOT NULL AND PNR IS NOT NULL AND substr(FODDAT, 3, 2) = substr(PNR, -10, 2) \
         AND (substr(PNR, -2, 1) % 2 = 1) <> (KON = 'M')",
    ),
    Check(
        "D10",
        "PERSON",
        Flag,
        "PERS_ID",
        "FODDAT IS NOT NULL AND PNR IS NOT NULL AND substr(FODDAT, 3, 2) = substr(PNR, -10, 2) \
         AND substr(FODDAT, 6, 2) * 100 + substr(FODDAT, 9, 2) <> substr(PNR, -8, 4) - 60 * (PNRTYP = 'S')",
    ),
    Check(
        "D14",
        "PERSON",
        Flag,
        "PERS_ID",
        "instr(FNAMN || ENAMN, '?') OR instr(FNAMN || ENAMN, char(65533))",
    ),
    Check(
        "D15",
        "PERSON",
        Norm,
        "PERS_ID",
        "trim(FNAMN) <> FNAMN OR trim(ENAMN) <> ENAMN OR instr(FNAMN || ENAMN, '  ') \
         OR instr(FNAMN || ENAMN, char(160)) OR instr(FNAMN || ENAMN, char(173))",
    ),
    Check("D83", "PERSON", Flag, "PERS_ID", "ENAMN IN ('Testsson', 'Tolvansson')"),
];

/// Persons who are not protected and of whom another record in Paraply is (D11); other systems know of more.
pub(in super::super) const SHIELDED: &str = "SEKR = '' AND EXISTS (SELECT 1 FROM PERSON o WHERE o.SEKR <> '' \
     AND (o.PNR = PERSON.PNR \
         OR EXISTS (SELECT 1 FROM PERSHANV h WHERE h.PERS_ID IN (PERSON.PERS_ID, o.PERS_ID) \
         AND h.TILL_ID IN (PERSON.PERS_ID, o.PERS_ID))))";

pub(super) const NEXT_IN_FORCE: &str = "FROM (SELECT BESL_ID, GALL_FROM, CASE WHEN GALL_TOM IN ('2079-06-06 \
00:00:00', \
     '9999-12-31 00:00:00', '1900-01-01 00:00:00') THEN NULL ELSE GALL_TOM END AS ENDS, \
     LEAD(GALL_FROM) OVER (PARTITION BY AKT_ID, BTYP ORDER BY GALL_FROM, BESL_ID) AS NEXT \
     FROM BESLUT JOIN ARENDE USING (AR_ID) WHERE BELOPP IS NULL AND BESLUT.STATUS = 'F')";

const DECISIONS: [Check; 13] = [
    Check(
        "D19",
        "KODTAB",
        Fix,
        "TAB || '|' || KOD || '|' || \"FROM\"",
        "EXISTS (SELECT 1 FROM KODTAB l WHERE l.TAB = KODTAB.TAB AND l.KOD = KODTAB.KOD AND l.\"FROM\" > \
         KODTAB.\"FROM\")",
    ),
    Check("D20", "BESLUT", Flag, "BESL_ID", "BTYP = 'EBSB' AND BDAT >= '2012-01-01'"),
    Check("D22", "BESLUT", Flag, "BESL_ID", "LAGRUM LIKE '%2025:400%' AND BDAT < '2025-07-01'"),
    Check("D25", "AKTUAL", Flag, "AKTU_ID", "DAT >= '2025-01-01'"),
    Check(
        "D29",
        "BESLUT",
        Flag,
        "BESL_ID",
        "UTR_ID IS NULL AND (SELECT VO FROM ARENDE a WHERE a.AR_ID = BESLUT.AR_ID) <> 'EB'",
    ),
    Check("D30", "INSATS", Flag, "INS_ID", "BESL_ID IS NULL AND BEST_ID IS NULL"),
    Check(
        "D30",
        "BESLUT",
        Flag,
        "BESL_ID",
        "STATUS = 'F' AND UTFALL IN ('B', 'D') AND (SELECT VO FROM ARENDE a WHERE a.AR_ID = BESLUT.AR_ID) <> 'EB' \
         AND NOT EXISTS (SELECT 1 FROM INSATS i WHERE i.BESL_ID = BESLUT.BESL_ID)",
    ),
    Check(
        "D31",
        "BESTALL",
        Flag,
        "BEST_ID",
        "UTF_ENH IS NULL OR EXISTS (SELECT 1 FROM ENHET e WHERE e.ENH_ID = UTF_ENH AND e.TOM < BESTALL.\"FROM\")",
    ),
    Check("D32", "BESLUT", Flag, "BESL_ID", "RETRO = 1 AND date(BDAT) > date(GALL_FROM, '+4 months')"),
    Check(
        "D33",
        "BESLUT",
        Quarantine,
        "BESL_ID",
        "ERS_BESL IS NOT NULL AND (BESL_ID IN (WITH RECURSIVE chain(start, at) AS (SELECT BESL_ID, ERS_BESL \
         FROM BESLUT WHERE ERS_BESL IS NOT NULL UNION SELECT start, ERS_BESL FROM chain JOIN BESLUT n ON \
         n.BESL_ID = at \
         WHERE ERS_BESL IS NOT NULL) SELECT start FROM chain WHERE start = at) \
         OR (SELECT PERS_ID FROM AKT JOIN ARENDE USING (AKT_ID) WHERE ARENDE.AR_ID = BESLUT.AR_ID) \
         <> (SELECT PERS_ID FROM AKT JOIN ARENDE USING (AKT_ID) JOIN BESLUT o USING (AR_ID) WHERE o.BESL_ID = \
         BESLUT.ERS_BESL))",
    ),
    Check("D75", "AKT", Flag, "AKT_ID", "PAPPER = 1"),
    Check(
        "D76",
        "AKT",
        Fix,
        "AKT_ID",
        "EXISTS (SELECT 1 FROM NAMND n WHERE n.NAMND = AKT.NAMND AND n.TOM < '2024-12-31')",
    ),
    Check("D77", "ARENDE", Norm, "AR_ID", "VO = 'EB' AND SDN IS NULL"),
];

const MONEY: [Check; 21] = [
    Check(
        "D34",
        "HUSHALL",
        Flag,
        "HUSH_ID",
        "(SELECT COUNT(*) FROM HUSHMED m WHERE m.HUSH_ID = HUSHALL.HUSH_ID AND ROLL = 'R') <> 1",
    ),
    Check("D37", "BERAK", Flag, "BER_ID", "NORMVER IS NULL OR NORMVER <> substr(MANAD, 1, 4) || '01'"),
    Check("D38", "INTDEB", Flag, "ID_ID", "APRIS NOT LIKE '%.__00'"),
    Check("D39", "UTBET", Flag, "UTB_ID", "BESL_ID IS NULL"),
    Check(
        "D41",
        "UTBET",
        Flag,
        "UTB_ID",
        "STATUS = 'M' AND NOT EXISTS (SELECT 1 FROM UTBET n WHERE n.ERS_UTB = UTBET.UTB_ID) AND NOT EXISTS \
         (SELECT 1 FROM UTBET n WHERE n.STATUS = 'U' AND n.AR_ID = UTBET.AR_ID AND n.BELOPP = UTBET.BELOPP \
         AND n.UTBDAT = UTBET.UTBDAT)",
    ),
    Check("D43", "AGRUT", Stop, "BUNT", WRONG_BATCH),
    Check("D43", "UTBET", Stop, "UTB_ID", IN_WRONG_BATCH),
    Check("D43", "FAKTUND", Stop, "FU_ID", IN_WRONG_BATCH),
    Check("D43", "INTDEB", Stop, "ID_ID", IN_WRONG_BATCH),
    Check("D44", "UTBET", Flag, "UTB_ID", "STATUS = 'U' AND AGRVER IS NULL"),
    Check("D45", "FAKTUND", Flag, "FU_ID", "BELOPP LIKE '-%' AND KREDIT = 0"),
    Check(
        "D46",
        "AVGIFT",
        Flag,
        "AVG_ID",
        "CAST(BELOPP AS REAL) > CASE substr(MANAD, 1, 4) WHEN '2019' THEN 2089 WHEN '2024' THEN 2575 \
         ELSE 1530 + 40 * (substr(MANAD, 1, 4) - 2005) END",
    ),
    Check(
        "D47",
        "FAKTUND",
        Flag,
        "FU_ID",
        "(SELECT date(AVLDAT) FROM PERSON p WHERE p.PERS_ID = FAKTUND.PERS_ID) \
         < substr(MANAD, 1, 4) || '-' || substr(MANAD, 5) || '-01'",
    ),
    Check(
        "D79",
        "UTBET",
        Flag,
        "UTB_ID",
        "BESL_ID IS NOT NULL AND BESL_ID NOT IN (SELECT BESL_ID FROM BESLUT)",
    ),
    Check(
        "D81",
        "UTBET",
        Flag,
        "UTB_ID",
        "ATTEST = (SELECT DELEG FROM BESLUT b WHERE b.BESL_ID = UTBET.BESL_ID) \
         AND ATTEST = (SELECT HANDL FROM ARENDE a WHERE a.AR_ID = UTBET.AR_ID)",
    ),
    Check(
        "D82",
        "UTBET",
        Flag,
        "UTB_ID",
        "KONTO IN (SELECT KONTO FROM UTBET GROUP BY KONTO HAVING COUNT(DISTINCT AR_ID) >= 5)",
    ),
    Check("D12", "JOURNAL", Flag, "JRN_ID", ADDRESS_OF_PROTECTED),
    Check("D16", "JOURNAL", Norm, "JRN_ID", "TEXT LIKE '{\\rtf%'"),
    Check(
        "D17",
        "JOURNAL",
        Flag,
        "JRN_ID",
        "length(RUBRIK) >= 80 OR instr(RUBRIK, char(1)) OR instr(TEXT, '\\''81')",
    ),
    Check("D49", "JOURNAL", Fix, "JRN_ID", "(SELECT COUNT(*) FROM HANDL h WHERE h.HANDL = SKRIVAV) >= 2"),
    Check(
        "D50",
        "JOURNAL",
        Flag,
        "JRN_ID",
        "date(HANDDAT) < (SELECT date(OPPDAT) FROM AKT a WHERE a.AKT_ID = JOURNAL.AKT_ID) OR date(HANDDAT) > \
         (SELECT date(AVLDAT) FROM PERSON p JOIN AKT a USING (PERS_ID) WHERE a.AKT_ID = JOURNAL.AKT_ID)",
    ),
];

const NOTES: [Check; 2] = [
    Check(
        "D52",
        "JOURNAL",
        Quarantine,
        "JRN_ID",
        "RATT_AV IS NOT NULL AND RATT_AV NOT IN (SELECT JRN_ID FROM JOURNAL)",
    ),
    Check("D79", "JOURNAL", Quarantine, "JRN_ID", "AKT_ID NOT IN (SELECT AKT_ID FROM AKT)"),
];

const ADDRESS_OF_PROTECTED: &str = "TEXT GLOB '* [0-9]*, 1[0-9][0-9][0-9][0-9] *' AND (SELECT SEKR <> '' OR EXISTS \
     (SELECT 1 FROM PERSHANV h JOIN PERSON o ON o.PERS_ID IN (h.PERS_ID, h.TILL_ID) WHERE o.SEKR <> '' \
     AND PERSON.PERS_ID IN (h.PERS_ID, h.TILL_ID)) FROM PERSON JOIN AKT USING (PERS_ID) WHERE AKT.AKT_ID = \
     JOURNAL.AKT_ID)";

/// Rows and öre of every batch.
pub(super) const BATCH_ROWS: &str = "SELECT BUNT, REPLACE(BELOPP, '.', '') / 100 * (STATUS = 'U') AS ORE FROM UTBET \
     WHERE BUNT IS NOT NULL UNION ALL SELECT BUNT, REPLACE(BELOPP, '.', '') / 100 FROM FAKTUND \
     UNION ALL SELECT BUNT, REPLACE(BELOPP, '.', '') / 100 FROM INTDEB";
const WRONG_BATCH: &str = "BUNT IN (SELECT a.BUNT FROM AGRUT a LEFT JOIN (SELECT BUNT, COUNT(*) AS N, SUM(ORE) \
AS ORE \
     FROM BATCHROWS GROUP BY BUNT) b ON b.BUNT = a.BUNT WHERE b.N IS NULL OR b.N <> a.ANTAL \
     OR b.ORE <> REPLACE(a.SUMMA, '.', '') / 100)";
const IN_WRONG_BATCH: &str = WRONG_BATCH;

pub(super) fn checks() -> impl Iterator<Item = &'static Check> {
    PERSONS.iter().chain(&DECISIONS).chain(&MONEY).chain(&NOTES)
}
