use super::*;

const HEAD: &str = "system,code,target,term,equivalence,valid_from,valid_to,status,reviewer,note\n";

/// The scope of a row that says neither area nor nämnd.
const NONE: (&str, &str) = ("", "");

fn parse(lines: &str) -> (CodeList, Vec<Diagnostic>) {
    CodeList::parse("beslutstyp", "codes/beslutstyp.csv", &format!("{HEAD}{lines}"))
}

#[test]
fn a_code_is_found_by_system_and_day() {
    let (list, found) = parse(
        "paraply,A1,gammal,Gammal,equal,,2014-12-31,approved,x,\n\
         paraply,A1,ny,Ny,equal,2015-01-01,,approved,x,\n\
         ,B,b,B,equal,,,unchecked,,\n",
    );
    assert_eq!(found, []);
    let target = |day| match list.find("paraply", NONE, "A1", day) {
        CodeAnswer::Found(entry) => entry.target.clone(),
        CodeAnswer::OutsidePeriod | CodeAnswer::Unknown => String::new(),
    };
    assert_eq!(target(Some("2014-12-31")), "gammal");
    assert_eq!(target(Some("2015-01-01")), "ny");
    assert_eq!(list.find("paraply", NONE, "A1", None), CodeAnswer::OutsidePeriod);
    assert!(matches!(list.find("vodok", NONE, "B", None), CodeAnswer::Found(_)));
    assert_eq!(list.find("paraply", NONE, "C", None), CodeAnswer::Unknown);
    assert!(list.has_periods("paraply") && !list.has_periods("vodok"));
}

#[test]
fn a_code_with_two_meanings_is_an_error_at_its_line() {
    let lines = "paraply,A1,a,A,equal,,,approved,x,\nparaply,A1,b,B,equal,2015-01-01,,approved,x,\n";
    let (_, found) = parse(lines);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "BRON-K006");
    assert!(found[0].message.contains("line 2"));
    let text = format!("{HEAD}{lines}");
    assert_eq!(&text[found[0].span.clone()], "paraply,A1,b,B,equal,2015-01-01,,approved,x,");
}

#[test]
fn the_most_specific_line_about_the_row_counts() {
    let head = HEAD.replacen("system,", "system,area,namnd,", 1);
    let lines = ",,,A,alla,A,equal,,,approved,x,\n,eb,,A,omrade,A,equal,,,approved,x,\n\
                 ,,714,A,namnd,A,equal,,,approved,x,\n,eb,714,A,bada,A,equal,2015-01-01,,approved,x,\n\
                 ,vu,,B,b,B,equal,,,approved,x,\n";
    let (list, found) = CodeList::parse("typ", "codes/typ.csv", &format!("{head}{lines}"));
    assert_eq!(found, []);
    let target = |area, namnd, code, day| match list.find("paraply", (area, namnd), code, day) {
        CodeAnswer::Found(entry) => entry.target.as_str(),
        CodeAnswer::OutsidePeriod => "outside",
        CodeAnswer::Unknown => "unknown",
    };
    for (area, namnd, day, expected) in [
        ("", "", None, "alla"),
        ("vu", "715", None, "alla"),
        ("eb", "715", None, "omrade"),
        ("vu", "714", None, "namnd"),
        ("eb", "714", None, "bada"),
        ("eb", "714", Some("2015-01-01"), "bada"),
        ("eb", "714", Some("2014-12-31"), "omrade"),
    ] {
        assert_eq!(target(area, namnd, "A", day), expected, "{area} {namnd} {day:?}");
    }
    assert_eq!(target("vu", "", "B", None), "b");
    assert_eq!(target("eb", "", "B", None), "unknown");
    assert!(!list.has_periods("paraply"), "a line for fewer rows is no other period");
    let twice = format!("{head},eb,,A,a,A,equal,,,approved,x,\n,eb,,A,b,A,equal,,,approved,x,\n");
    assert_eq!(CodeList::parse("typ", "codes/typ.csv", &twice).1[0].code, "BRON-K006");
}

#[test]
fn every_wrong_line_is_reported() {
    let (_, found) = parse(
        "p,A,a,A,eqal,,,approved,x,\np,B,,B,equal,,,approved,x,\np,C,c,C,equal,15-01-01,,approved,x,\np,D\n",
    );
    let codes: Vec<&str> = found.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["BRON-K003", "BRON-K004", "BRON-K005", "BRON-K002"]);
    assert_eq!(found[0].help.as_deref(), Some("did you mean `equal`?"));
}
