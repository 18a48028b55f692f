use super::*;

fn formatted(text: &str) -> String {
    let once = format_toml("a.toml", text).unwrap();
    assert_eq!(format_toml("a.toml", &once).unwrap(), once, "a canonical file does not change");
    let value = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
    assert_eq!(value(&once), value(text), "the meaning stays");
    once
}

#[test]
fn the_equal_signs_of_a_block_stand_in_one_column() {
    let text = "format=1\nmapping = 'a/B' \n[source]\nsystem='a'\n\n\n  key=['X' ,'Y']   # why\n";
    let wanted = "format  = 1\nmapping = 'a/B'\n\n[source]\nsystem = 'a'\nkey    = ['X', 'Y'] # why\n";
    assert_eq!(formatted(text), wanted);
}

#[test]
fn comments_stay_with_what_they_stand_above() {
    let text =
        "#:schema x.json\n# about the file\n\nformat=1\n# about a\n\n[a]\n # about x\nx=1\n# the end\n";
    let wanted =
        "#:schema x.json\n# about the file\nformat = 1\n\n# about a\n[a]\n# about x\nx = 1\n\n# the end\n";
    assert_eq!(formatted(text), wanted);
}

#[test]
fn sections_of_a_mapping_stand_in_the_documented_order() {
    let text = "mapping = 'a/B'\n[[example]]\nx = 1\n[[target]]\nentity = 'e'\n[target.fields]\nid = 1\n\
                [[count]]\nname = 'n'\n[[parent]]\nname = 'p'\n[source]\nsystem = 'a'\n[[target]]\nentity = 'f'\n\
                [target.fields]\nid = 2\n[ignore]\nA = 'x'\n";
    let headers = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with('[')).map(str::to_owned).collect()
    };
    let wanted = [
        "[source]",
        "[[count]]",
        "[[parent]]",
        "[[target]]",
        "[target.fields]",
        "[[target]]",
        "[target.fields]",
        "[ignore]",
        "[[example]]",
    ];
    assert_eq!(headers(&formatted(text)), wanted);
}

#[test]
fn lists_are_broken_where_they_do_not_fit() {
    let names: Vec<String> = (0..40).map(|number| format!("'NAME_{number}'")).collect();
    let text = formatted(&format!("columns=[{}]\nrows=[{{ a=1 }},{{ a=2 }}]\n", names.join(",")));
    assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    assert!(text.contains("\nrows    = [{ a = 1 }, { a = 2 }]\n"), "{text}");
    assert!(text.starts_with("columns = [\n  'NAME_0', 'NAME_1',"), "{text}");
    let tables: Vec<String> = (0..20).map(|number| format!("{{ name = 'name_{number}' }}")).collect();
    let text = formatted(&format!("fields = [{}]\n", tables.join(", ")));
    assert_eq!(text.lines().count(), 22, "one a line");
}

#[test]
fn a_text_that_is_not_toml_says_where() {
    let found = format_toml("a.toml", "x = \n").unwrap_err();
    assert_eq!((found.code, found.file.as_str()), ("BRON-M001", "a.toml"));
}
