//! The tables of Paraply, in the order of the indices below. The schema is invented, not derived from the
//! real system.
//!
//! Short codes that no row of `KODTAB` explains:
//!
//! | column | values |
//! |---|---|
//! | `RELATION.TYP` | what `REL_ID` is to the person: BA, FÖ, VH, GM, FV, KO, NÄ |
//! | `UTREDN.UTFALL` | IN insats, UI utan insats |
//! | `BESTALL.STATUS` | S skickad, M mottagen, A avslutad |
//! | `UPPFOLJ.RES` | UP mål uppnått, DE delvis, EJ inte uppnått; NULL when not done |
//! | `PLACER.TYP` | FH familjehem, JH jourhem, HV HVB, SI SiS, NÄ nätverkshem; `HEM_ID` is an `ENH_ID` |
//! | `HUSHALL.TYP` | 3/4 ensamstående man utan/med barn, 5/6 ensamstående kvinna, 7/8 par, 9 okänd |
//! | `HUSHMED.ROLL`, `VAXEL` | R registerledare, M medsökande, B barn; J/N |
//! | `ATERKRAV.STATUS` | O öppet, B betalt, E eftergivet |
//! | `AVGIFT.TYP`, `JAMK` | HT hemtjänst, VO vård- och omsorgsboende, TR trygghetslarm; J/N |
//! | `FAKTUND.ART` | AVGH, AVGV, AVGL: the fee by the same types |
//! | `BEHOR.ROLL` | HANDL, CHEF, ATTEST, LÄS |
//! | `LOGG.FUNK` | PERVIS, AKTVIS, JRNSKR, BESUTS |
//! | `DOKUMENT.MALL` | BESLUTSMEDDELANDE, UTREDNING, KALLELSE, BREV |
//! | `UTBET.STATUS` | P planerad, U utbetald, M makulerad |
//! | `STATUT.REGISTER` | EB; `RAD` is a line of fields separated by tabs |
//!
//! The relations are barn, förälder, vårdnadshavare, god man, förvaltare, kontaktperson and närstående.

use crate::sqlite::{TableSpec, spec};

/// The tables, in the order of the indices below.
pub(super) static TABLES: [TableSpec; 33] = [
    spec(
        "PERSON",
        "PERS_ID*# PNR PNRTYP FODDAT FNAMN ENAMN KON CIV MEDB SPRAK TOLK# AVLDAT SEKR FOLKB SDN NAVETDAT \
         REGAV REGDAT ANDAV ANDDAT MAKUL# RV%",
    ),
    spec("PERSHANV", "PERS_ID# TILL_ID# TYP DAT"),
    spec("ADRESS", "ADR_ID*# PERS_ID# TYP CO GATA POSTNR ORT FROM TOM"),
    spec("RELATION", "PERS_ID*# REL_ID*# TYP* FROM* TOM"),
    spec("NAMND", "NAMND* NAMN FROM TOM EFTERTR"),
    spec("ENHET", "ENH_ID*# NAMND NAMN TYP ORGNR HSA FROM TOM"),
    spec("HANDL", "HANDL* NAMN ENH_ID# FROM* TOM"),
    spec("AKT", "AKT_ID*# PERS_ID# NAMND AKTNR LAG OPPDAT AVSLDAT PAPPER# GALLDAT"),
    spec("ARENDE", "AR_ID*# AKT_ID# VO SDN HUSH_ID# HANDL OPPDAT AVSLDAT AVSLORS FLYTT_FRAN# STATUS"),
    spec("AKTUAL", "AKTU_ID*# AR_ID# PERS_ID# TYP DAT FRAN ORSAK FORHBED FHB_DAT FHB_UTF TEXT"),
    spec("UTREDN", "UTR_ID*# AR_ID# AKTU_ID# LAGRUM START SLUT FORL_TOM UTFALL TEXT"),
    spec(
        "BESLUT",
        "BESL_ID*# AR_ID# UTR_ID# BTYP LAGRUM BDAT GALL_FROM GALL_TOM UTFALL AVSLORS BELOPP ANTAL ENHETKOD \
         RETRO# ERS_BESL# DELEG STATUS ANDAV ANDDAT RV%",
    ),
    spec("BESTALL", "BEST_ID*# BESL_ID# UTF_ENH# NIVA# TIM FROM TOM STATUS SVARDAT"),
    spec("INSATS", "INS_ID*# BEST_ID# BESL_ID# PERS_ID# KOD FROM TOM VERKST AVSLORS"),
    spec("GENPLAN", "GP_ID*# INS_ID# VER# DAT TEXT UPPR"),
    spec("UPPFOLJ", "UPP_ID*# BESL_ID# PLANDAT GJORDDAT RES TEXT"),
    spec("PLACER", "PLAC_ID*# INS_ID# TYP HEM_ID# FROM TOM LAGRUM DYGN"),
    spec("HUSHALL", "HUSH_ID*# AR_ID# TYP FROM TOM"),
    spec("HUSHMED", "HUSH_ID*# PERS_ID*# ROLL VAXEL FROM* TOM"),
    spec("BERAK", "BER_ID*# AR_ID# HUSH_ID# MANAD NORMVER SUMIN SUMUT SUMNORM RESULTAT DEF BESL_ID#"),
    spec("BERPOST", "BER_ID*# RAD*# TYP KOD PERS_ID# SOKT GODK"),
    spec(
        "UTBET",
        "UTB_ID*# AR_ID# BESL_ID# MANAD BELOPP BETSATT MOTT_TYP KONTO UTBDAT STATUS ERS_UTB# KONT AGRVER BUNT# ATTEST",
    ),
    spec("ATERKRAV", "AK_ID*# UTB_ID# AR_ID# LAGRUM BELOPP BETALT STATUS"),
    spec("AVGIFT", "AVG_ID*# PERS_ID# MANAD TYP INKOMST FORBEH AVGUTR MAXTAXA BELOPP JAMK"),
    spec("FAKTUND", "FU_ID*# AVG_ID# PERS_ID# MANAD ART ANTAL APRIS BELOPP KREDIT# AGRVER BUNT#"),
    spec("INTDEB", "ID_ID*# BEST_ID# UTF_ENH# MANAD TIM APRIS BELOPP KORR_AV# BUNT#"),
    spec(
        "JOURNAL",
        "JRN_ID*# AKT_ID# AR_ID# HANDDAT SKRIVDAT SKRIVAV SIGNDAT SIGNAV RUBRIK TYP RATT_AV# FELM# SEKRN TEXT",
    ),
    spec("DOKUMENT", "DOK_ID*# AKT_ID# AR_ID# MALL VER# SKAPAD AV LAST# FORMAT INNEH%"),
    spec("KODTAB", "TAB* KOD* TEXT FROM* TOM SORT#"),
    spec("BEHOR", "HANDL* ENH_ID*# ROLL* FROM* TOM"),
    spec("LOGG", "LOGG_ID*# TID HANDL FUNK PERS_ID# AKT_ID#"),
    spec("AGRUT", "BUNT*# SYSTEM SKAPAD ANTAL# SUMMA FIL KVITT"),
    spec("STATUT", "ID*# REGISTER PERIOD RAD"),
];

pub(super) const PERSON: usize = 0;
pub(super) const PERSHANV: usize = 1;
pub(super) const ADRESS: usize = 2;
pub(super) const RELATION: usize = 3;
pub(super) const NAMND: usize = 4;
pub(super) const ENHET: usize = 5;
pub(super) const HANDL: usize = 6;
pub(super) const AKT: usize = 7;
pub(super) const ARENDE: usize = 8;
pub(super) const AKTUAL: usize = 9;
pub(super) const UTREDN: usize = 10;
pub(super) const BESLUT: usize = 11;
pub(super) const BESTALL: usize = 12;
pub(super) const INSATS: usize = 13;
pub(super) const GENPLAN: usize = 14;
pub(super) const UPPFOLJ: usize = 15;
pub(super) const PLACER: usize = 16;
pub(super) const HUSHALL: usize = 17;
pub(super) const HUSHMED: usize = 18;
pub(super) const BERAK: usize = 19;
pub(super) const BERPOST: usize = 20;
pub(super) const UTBET: usize = 21;
pub(super) const ATERKRAV: usize = 22;
pub(super) const AVGIFT: usize = 23;
pub(super) const FAKTUND: usize = 24;
pub(super) const INTDEB: usize = 25;
pub(super) const JOURNAL: usize = 26;
pub(super) const DOKUMENT: usize = 27;
pub(super) const KODTAB: usize = 28;
pub(super) const BEHOR: usize = 29;
pub(super) const LOGG: usize = 30;
pub(super) const AGRUT: usize = 31;
pub(super) const STATUT: usize = 32;
