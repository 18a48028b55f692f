//! What can be wrong with a row, as a closed vocabulary.

use std::fmt;

use crate::key::SourceKey;
use crate::mapping::Action;
use crate::owner::Owner;

macro_rules! reason_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $owner:ident, $label:literal;)+) => {
        /// Why a row, or one field of it, got a mark, was held back or was left out.
        ///
        /// The list is closed: reports translate each code, and a truth file can count each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReasonCode { $($(#[doc = $doc])+ $name,)+ }

        impl ReasonCode {
            /// Every code, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code as written in mapping files, quality marks and summaries.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The meaning in Swedish, for the business side.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// Whose work list gets the rows.
            #[must_use]
            pub const fn owner(self) -> Owner {
                match self { $(Self::$name => Owner::$owner,)+ }
            }
        }
    };
}

reason_codes! {
    /// The check digit of a person number is wrong, most often a slip of the pen.
    CheckDigit = "D01", Sdf, "Kontrollsiffran i personnumret stämmer inte";
    /// A ten-digit number could belong to two centuries, and the date of its row does not settle which.
    CenturyAmbiguous = "D02", Sdf, "Tiosiffrigt personnummer där seklet inte går att avgöra";
    /// The date in a person number does not exist, so nobody holds it.
    CalendarImpossible = "D03", Sdf, "Personnumret innehåller ett datum som inte finns";
    /// A stand-in was entered instead of a person number, such as noughts throughout or a test patient.
    Sentinel = "D04", Sdf, "Platshållare i stället för personnummer";
    /// A reserve number was entered where a person number is expected.
    ReserveNumber = "D05", Sdf, "Reservnummer i fältet för personnummer";
    /// One record has a samordningsnummer, a later one a personnummer, and nothing says whether they are one human.
    NumberReplaced = "D06", Sdf, "Samordningsnummer och personnummer som kan höra till samma person";
    /// Several records of persons are, or may be, one human.
    SameHuman = "D07", Sdf, "Flera personposter för samma människa";
    /// One record was perhaps written over by another human: both its birth date and its sex contradict its number.
    TwoHumans = "D08", Sdf, "En personpost som två människor kan ha skrivits in i";
    /// The registered sex is another than the number says. It can be right: a person may have changed legal sex.
    SexContradicts = "D09", Sdf, "Registrerat kön stämmer inte med personnumret";
    /// The registered birth date is another day of the same year than the number has. Since 2009 a number may be
    /// given with a neighbouring day.
    BirthDayDiffers = "D10", Proj, "Födelsedagen är en annan än dagen i personnumret";
    /// A record has no protection although another record of the same human has one.
    ProtectionDiffers = "D11", Dso, "Skyddade personuppgifter i ett system men inte i ett annat";
    /// A text about a protected person names a street with a number and a postcode.
    ProtectedAddress = "D12", Dso, "Adress i fritext hos person med skyddade uppgifter";
    /// A name was decoded with the wrong code page at some time, and could be put right exactly.
    Mojibake = "D13", Proj, "Feltolkad teckenkodning, rättad i härlett fält";
    /// Characters were replaced when the text was converted, and cannot be recovered.
    LostCharacters = "D14", Sdf, "Tecken har gått förlorade i texten";
    /// A name has blanks at its ends, several in a row, no-break blanks or soft hyphens.
    StrayBlanks = "D15", Proj, "Överflödiga blanktecken";
    /// A text is kept as RTF or HTML, with its formatting between the words.
    Markup = "D16", Proj, "Uppmärkning (RTF eller HTML) i text";
    /// A text fills its column to the last character, so its end was perhaps cut off, or it holds control characters.
    DamagedText = "D17", Sdf, "Avhuggen text eller styrtecken i text";
    /// A code is not in its code list.
    UnknownCode = "D18", Ff, "Kod som saknas i kodlistan";
    /// A code of the source got a new meaning from some day on.
    ReusedCode = "D19", Ff, "Kod som återanvänts med ny betydelse";
    /// A code is in its code list, but not on the day of the row.
    UnknownPeriod = "D20", Ff, "Kod använd utanför sin giltighetstid";
    /// A section of law is spelled in another way than `4 kap. 1 § SoL`.
    LagrumSpelling = "D21", Ff, "Lagrum skrivet på annat sätt än det vedertagna";
    /// A text in a field for a section of law names none beyond doubt.
    LagrumUnparsed = "D21_oparsad", Ff, "Text i lagrumsfältet som inte anger något lagrum";
    /// A decision names a law that was not in force on its day, such as the social services act of 2025 in 2014.
    LagrumNotInForce = "D22", Ff, "Lagrum som inte gällde på beslutets dag";
    /// A stand-in date such as 9999-12-31 means that there is no end.
    OpenEndDate = "D23", Proj, "Platshållardatum som betyder tills vidare";
    /// An interval ends before it starts.
    EndBeforeStart = "D24", Sdf, "Slutdatum före startdatum";
    /// A date lies after the day the source was read, or before the year 1900.
    ImplausibleDate = "D25", Sdf, "Datum i framtiden eller före 1900";
    /// A date can only be read when day and month change places, or when a century is added to its year.
    AmbiguousDate = "D26", Sdf, "Datum med omkastad dag och månad eller tvåsiffrigt år";
    /// A decision has no end although a later one of the same kind has begun.
    MissingEnd = "D27", Sdf, "Beslut utan slutdatum som följs av ett nytt";
    /// Two decisions of the same kind about the same person hold at the same time.
    OverlappingDecisions = "D28", Sdf, "Överlappande beslut av samma slag";
    /// A decision names no investigation. In financial assistance and in old cases that is allowed.
    NoInvestigation = "D29", Ff, "Beslut utan utredning";
    /// A service has neither decision nor order, or a decision that grants one has not led to any.
    DecisionServiceGap = "D30", Sdf, "Insats utan beslut eller beslut utan insats";
    /// An order names no unit that receives it, or one that was closed before the order began.
    NoReceivingUnit = "D31", Sdf, "Beställning utan mottagande enhet eller till stängd enhet";
    /// A retroactive decision reaches back further than four months.
    LateRetroactive = "D32", Ff, "Retroaktivt beslut mer än fyra månader bakåt";
    /// Decisions replace each other in a circle, or one replaces the decision of another person.
    ReplacementChain = "D33", Sdf, "Beslut som ersätter sig självt eller en annan persons beslut";
    /// A household has no head in the register, or more than one.
    HouseholdHead = "D34", Sdf, "Hushåll utan registerledare eller med flera";
    /// A person is a member of two households at the same time without living in turns, and both were paid.
    TwoHouseholds = "D35", Eko, "Person i två hushåll samtidigt där båda fått utbetalning";
    /// The stored result of a calculation is not the sum of its posts.
    SumMismatch = "D36", Eko, "Beräkningens resultat är inte summan av posterna";
    /// A calculation names no version of the national norm, or another one than that of its month.
    NormVersion = "D37", Ff, "Beräkning utan norm eller med fel års norm";
    /// An amount has parts of an öre.
    SubOre = "D38", Eko, "Belopp med delar av öre";
    /// A payment names no decision.
    PaymentWithoutDecision = "D39", Eko, "Utbetalning utan beslut";
    /// A payment is preliminary in the case system and paid in the ledger.
    PaidElsewhere = "D40", Eko, "Utbetalning som ärendesystemet och ekonomisystemet är oense om";
    /// A payment was cancelled, and no new one stands for it.
    CancelledAlone = "D41", Eko, "Makulerad utbetalning utan ny utbetalning";
    /// The same amount was paid again within seven days, for the same case and month, to the same account.
    RepeatedPayment = "D42", Eko, "Möjlig dubbel utbetalning";
    /// The number or the sum of a batch that was sent to the ledger is not that of its rows.
    BatchTotal = "D43", Eko, "Buntens antal eller summa stämmer inte med raderna";
    /// A payment was made and has no voucher number.
    VoucherMissing = "D44", Eko, "Skickad utbetalning utan verifikationsnummer";
    /// A row of an invoice is negative and is no credit.
    NegativeFee = "D45", Eko, "Negativ avgift utan kreditmarkering";
    /// A monthly fee is higher than the highest fee that the law allowed that month.
    AboveMaxtaxa = "D46", Eko, "Avgift över maxtaxan";
    /// An invoice is for a month after the client's death. It can be right: the estate may owe it.
    InvoiceAfterDeath = "D47", Eko, "Faktura för tid efter dödsfallet";
    /// A journal note had not been signed thirty days after it was written.
    UnsignedNote = "D48", Sdf, "Osignerad journalanteckning äldre än 30 dagar";
    /// The user name of an author belonged to several people, one after the other.
    ReusedAuthor = "D49", Sdf, "Användarnamn som flera handläggare har haft";
    /// A journal note is dated before its file was opened, or after the death of the person.
    NoteDate = "D50", Sdf, "Anteckning daterad före aktens öppnande eller efter dödsfallet";
    /// The text of a signed note is another than at an earlier extraction.
    SignedTextChanged = "D51", Mas, "Signerad anteckning vars text har ändrats";
    /// A note corrects or replaces one that is not there.
    CorrectionChain = "D52", Mas, "Rättelse av en anteckning som saknas";
    /// A heading of the old record model has no counterpart in the new one, or a code of an intervention ends in
    /// `000` and says nothing.
    UnmappedTerm = "D53", Mas, "Sökord eller åtgärdskod utan motsvarighet";
    /// A measured value is not a plain number: `120/80`, `36,8`, `<5` or words.
    MeasurementForm = "D54", Mas, "Mätvärde skrivet på annat sätt än som ett tal";
    /// A measured value has no unit, or lies outside what its kind can be, such as a temperature of 368.
    MeasurementImplausible = "D55", Mas, "Mätvärde utan enhet eller utanför rimliga gränser";
    /// A member of the health-care staff has no HSA-id.
    AuthorWithoutHsaId = "D56", Mas, "Vårdpersonal utan HSA-id";
    /// A block of a patient's record is open although no care at that unit is.
    BlockNotClosed = "D57", Mas, "Spärr som står kvar efter avslutad vård";
    /// A visit ends before it starts or lasts more than 24 hours.
    VisitLength = "D58", Utf, "Besök som slutar före start eller är längre än ett dygn";
    /// One employee is registered at two visits at the same time.
    VisitsOverlap = "D59", Utf, "Besök av samma personal som överlappar varandra";
    /// Two visits of one employee to one client lie on each other for at least four fifths of the shorter one.
    DoubleRegistered = "D60", Utf, "Besök som kan vara registrerat två gånger";
    /// A visit was carried out that was not planned, or planned and not registered.
    PlanMismatch = "D61", Utf, "Besök utan planering eller planering utan besök";
    /// More than half of an employee's visits, of thirty or more, were registered by hand.
    ManualReceipts = "D62", Ff, "Ovanligt stor andel manuellt kvitterade besök";
    /// A visit was registered while the client was in hospital, away or dead.
    AbsentCustomer = "D63", Utf, "Besök hos kund som var frånvarande eller avliden";
    /// A wall time is 24:00, lies in the hour that is left out in March, or in the hour that comes twice in October.
    ClockChange = "D64", Proj, "Klockslag vid sommartidens skifte eller 24:00";
    /// A number of a visit was used again after the system began to count anew.
    NumberReseeded = "D65", Proj, "Besöksnummer som använts igen i en ny serie";
    /// A file has the content of an earlier file of the same table and period.
    RepeatedFile = "D66", Proj, "Fil levererad två gånger";
    /// A file of a month and a provider was not delivered although others of that month and provider were.
    MissingFile = "D67", Utf, "Fil som saknas för en månad och utförare";
    /// A line of a file was broken by a separator or a line break inside a text.
    BrokenLine = "D68", Proj, "Trasig rad i fil";
    /// The control line of a month and provider states another number of visits or of minutes than there are.
    ControlTotals = "D69", Utf, "Kontrollfilens antal eller minuter stämmer inte";
    /// A table has other columns than at the extraction before.
    SchemaDrift = "D70", Proj, "Tabellens kolumner har ändrats mellan två utläsningar";
    /// A row was changed after the day up to which the source was read.
    ChangedDuringExtraction = "D71", Proj, "Rad ändrad under utläsningen";
    /// The source's own log says that a row was deleted, and it is gone.
    DeletedRow = "D72", Sdf, "Rad som tagits bort i källan";
    /// A personal file is past the day on which it was to be destroyed.
    PastRetention = "D73", Ark, "Akt som passerat gallringstiden";
    /// A personal file is past retention and exempt: a child placed outside its home, or a person born on the 5th,
    /// 15th or 25th, whose files are kept for research.
    RetentionExempt = "D74", Ark, "Akt som är undantagen från gallring";
    /// The main file is kept on paper, so little of it is in the system.
    PaperFile = "D75", Sdf, "Akt som finns på papper";
    /// A file belongs to a nämnd that no longer exists.
    RetiredOrganisation = "D76", Ff, "Nämnd eller enhet som har upphört";
    /// A case of financial assistance belongs to no district, as at the units for homelessness or new arrivals.
    NoDistrict = "D77", Ff, "Ärende utan stadsdel";
    /// A spreadsheet rewrote a value: a leading zero is lost, or a number stands as `="…"` or in scientific notation.
    SpreadsheetForm = "D78", Proj, "Värde som skrivits om av ett kalkylprogram";
    /// A parent record that a rule needs is not in the source.
    OrphanParent = "D79", Sdf, "Posten hänvisar till en post som saknas";
    /// A row of the target could be read by a nämnd that is not responsible for it.
    WrongReader = "D80", Dso, "Post som fel nämnd skulle kunna läsa";
    /// One person handled the case, made the decision and approved the payment.
    SelfApproved = "D81", Eko, "Samma person har handlagt, beslutat och attesterat";
    /// One account was paid in five or more cases.
    SharedAccount = "D82", Eko, "Ett konto som fått utbetalningar i många ärenden";
    /// A record is of a made-up person, such as Tolvan Tolvansson.
    TestPerson = "D83", Sdf, "Testperson i skarp drift";
    /// A code of a mapping has two meanings on the same day.
    AmbiguousMapping = "D84", Proj, "Kod med två betydelser i mappningen";
    /// A value does not have the form that its rule reads.
    Malformed = "felformat", Proj, "Värde som inte går att tolka";
    /// A value that the mapping requires (`required = true`) is missing.
    Missing = "saknas", Sdf, "Obligatorisk uppgift saknas";
    /// Two records have the same key.
    RepeatedKey = "upprepad_nyckel", Proj, "Två poster med samma nyckel";
    /// A record of a full snapshot was replaced by a later snapshot of the same record.
    Superseded = "ersatt_av_senare", Proj, "Ersatt av senare fullständig leverans";
    /// Left out by a rule of scope of the mapping, which states why.
    OutOfScope = "utanfor_omfattning", Ff, "Utanför flyttens omfattning";
    /// The target demands a value that the row does not have.
    TargetMissing = "mal_saknar_varde", Sdf, "Målet kräver ett värde som raden saknar";
    /// A value is none that the target can hold: outside its range, too long, or with a character that it lacks.
    TargetValue = "mal_varde", Proj, "Värde som målet inte kan lagra";
    /// The row breaks a condition that somebody has put on the target's table (CHECK).
    TargetCheck = "mal_villkor", Slk, "Raden bryter mot ett villkor i målet";
    /// The target already has a row with a value that may be there once (UNIQUE).
    TargetUnique = "mal_unik", Slk, "Målet har redan en rad med samma unika värde";
    /// The row refers to a row that the target does not have (FOREIGN KEY).
    TargetReference = "mal_hanvisning", Slk, "Raden hänvisar till en rad som målet saknar";
    /// A rule of the target, such as a trigger, refused the row.
    TargetRule = "mal_regel", Slk, "En regel i målet avvisade raden";
}

impl ReasonCode {
    /// The code with this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == text)
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A row, or a field of it, that got a mark, was held back or was left out. It never carries a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reject {
    /// The record.
    pub source_key: SourceKey,
    /// What the quality policy did.
    pub action: Action,
    /// Why.
    pub reason: ReasonCode,
    /// The entity and the field of the model, or empty when the whole row is meant.
    pub field: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse_back() {
        for (index, reason) in ReasonCode::ALL.iter().enumerate() {
            assert_eq!(ReasonCode::parse(reason.code()), Some(*reason));
            assert!(ReasonCode::ALL[index + 1..].iter().all(|other| other.code() != reason.code()));
        }
        assert_eq!(ReasonCode::parse("D99"), None);
    }
}
