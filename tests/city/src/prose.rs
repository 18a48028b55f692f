//! Note texts: neutral, invented sentences that describe nobody.

use crate::rng::Rng;

const SENTENCES: [&str; 24] = [
    "Samtal fört på kontoret enligt överenskommelse. ",
    "Ärendet gås igenom tillsammans med kollega och planeringen ligger fast. ",
    "Handlingar har kommit in och läggs till akten. ",
    "Nytt möte bokas om fyra veckor, kallelse skickas med vanlig post. ",
    "Uppföljning görs enligt den plan som upprättades vid förra mötet. ",
    "Inget nytt har framkommit sedan föregående anteckning. ",
    "Kontakt tas med utföraren för att stämma av hur insatsen fungerar. ",
    "Den enskilde önskar få information skriftligt, vilket ordnas. ",
    "Kompletterande underlag begärs in och svar väntas inom två veckor. ",
    "Genomgång av rättigheter och skyldigheter har gjorts, inga frågor återstår. ",
    "Telefontid meddelas och direktnummer lämnas. ",
    "Planeringen ändras på så sätt att nästa avstämning tidigareläggs. ",
    "Beslutet har expedierats och underrättelse om hur man överklagar bifogats. ",
    "Mötet ställs in på grund av förhinder och flyttas till kommande vecka. ",
    "Samverkan sker med berörd enhet, samtycke finns dokumenterat. ",
    "Insatsen fungerar väl enligt både den enskilde och utföraren. ",
    "Frågan lyfts vid gruppens ärendedragning på torsdag. ",
    "Åtgärder enligt handlingsplanen är påbörjade och löper på. ",
    "Hembesök är planerat, tiden bekräftas dagen före. ",
    "Ansökan har registrerats och handläggningen är påbörjad. ",
    "Önskemål om ändrad tid tas upp med samordnaren. ",
    "Genomförandeplanen är reviderad och undertecknad. ",
    "Övriga uppgifter framgår av tidigare anteckningar i akten. ",
    "Avslutande samtal hålls och ärendet lämnas för arkivering. ",
];

/// A note of about the given number of characters: whole sentences, at least one.
pub(crate) fn note(rng: &mut Rng, about: i32) -> String {
    let about = usize::try_from(about).unwrap_or(0);
    let mut text = String::with_capacity(about + 120);
    loop {
        text.push_str(rng.pick(&SENTENCES));
        if text.len() >= about {
            text.truncate(text.trim_end().len());
            return text;
        }
    }
}

/// The same text as a word processor of the 1990s stores it: RTF with Windows-1252 escapes.
pub(crate) fn rtf(text: &str) -> String {
    let mut rich = String::with_capacity(text.len() + 120);
    rich.push_str("{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Arial;}}\\f0\\fs20 ");
    for letter in text.chars() {
        if letter.is_ascii() {
            rich.push(letter);
        } else {
            rich.push_str(&format!("\\'{:02x}", u32::from(letter)));
        }
    }
    rich.push_str("\\par}");
    rich
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_have_about_the_length_asked_for() {
        let mut rng = Rng::keyed(3, "prose", 0);
        for about in [1, 200, 1_000] {
            let text = note(&mut rng, about);
            let length = i32::try_from(text.len()).unwrap();
            assert!(length + 1 >= about && length < about + 120, "{length} for {about}");
        }
    }

    #[test]
    fn rtf_is_ascii_and_keeps_every_letter() {
        assert!(rtf("Åtgärd löper.").contains("\\'c5tg\\'e4rd l\\'f6per."));
        assert!(rtf("Åtgärd").is_ascii());
    }
}
