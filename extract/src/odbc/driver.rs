//! Which file a connection string's driver is.
//!
//! The driver manager that is part of the program hands a bare file name to the loader, which does not look into
//! the folders that distributions keep drivers in. So names are resolved to files here, and the file that is
//! loaded is known.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::connection_string::ConnectionString;
use crate::error::{Error, ErrorKind};

/// Where drivers and data sources are described and drivers lie.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// `odbcinst.ini` files, each with a section per driver.
    pub(super) drivers: Vec<PathBuf>,
    /// `odbc.ini` files, each with a section per data source.
    pub(super) data_sources: Vec<PathBuf>,
    /// Folders of driver files.
    pub(super) folders: Vec<PathBuf>,
}

impl Places {
    /// The usual places, the user's own first, and those that `ODBCSYSINI`, `ODBCINSTINI` and `ODBCINI` name.
    pub(super) fn of_this_machine() -> Self {
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = |name: &str| variable("HOME").map(|home| home.join(name));
        let system = variable("ODBCSYSINI");
        let within = |path: PathBuf| system.as_ref().map_or(path.clone(), |folder| folder.join(path));
        let usual = |name: &str| {
            let folders = ["/etc", "/etc/unixODBC", "/usr/local/etc", "/opt/etc"].iter();
            let folders = folders.map(PathBuf::from).filter(|_| system.is_none());
            folders.map(|folder| folder.join(name)).collect::<Vec<_>>()
        };
        let named = variable("ODBCINSTINI").map(within);
        let mut drivers: Vec<PathBuf> = home(".odbcinst.ini").into_iter().chain(named).collect();
        drivers.extend(system.as_ref().map(|folder| folder.join("odbcinst.ini")));
        drivers.extend(usual("odbcinst.ini"));
        let mut data_sources: Vec<PathBuf> =
            variable("ODBCINI").into_iter().chain(home(".odbc.ini")).collect();
        data_sources.extend(system.as_ref().map(|folder| folder.join("odbc.ini")));
        data_sources.extend(usual("odbc.ini"));
        let multiarch = format!("/usr/lib/{}-linux-gnu", env::consts::ARCH);
        let folders = [
            &format!("{multiarch}/odbc"),
            multiarch.as_str(),
            "/usr/lib64/odbc",
            "/usr/lib64",
            "/usr/lib/odbc",
            "/usr/lib",
            "/usr/local/lib64",
            "/usr/local/lib",
        ];
        Self { drivers, data_sources, folders: folders.map(PathBuf::from).to_vec() }
    }

    /// The file of the driver that `connection` names by `Driver` or by `DSN`. Both are taken out of it; what
    /// the data source says is put in.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when there is no such driver, data source or file, [`ErrorKind::Settings`] when
    /// none is named.
    pub(super) fn resolve(&self, connection: &mut ConnectionString) -> Result<PathBuf, Error> {
        let driver = match (connection.get("driver"), connection.get("dsn")) {
            (Some(driver), _) => driver.to_owned(),
            (None, Some(name)) => {
                let name = name.to_owned();
                self.data_source(&name, connection)?
            }
            (None, None) => {
                let problem = "the ODBC connection string names neither a Driver nor a DSN";
                return Err(Error::new(ErrorKind::Settings, problem));
            }
        };
        connection.remove("driver");
        connection.remove("dsn");
        if driver.contains('/') {
            return there(PathBuf::from(driver));
        }
        if let Some(section) = section(&self.drivers, &driver) {
            let file = section.get("driver64").or_else(|| section.get("driver")).ok_or_else(|| {
                missing(format!("{} names no file for the ODBC driver {driver}", section.file.display()))
            })?;
            return if file.contains('/') { there(PathBuf::from(file)) } else { self.in_folders(file) };
        }
        if driver.contains(".so") { self.in_folders(&driver) } else { Err(self.unknown(&driver)) }
    }

    fn data_source(&self, name: &str, connection: &mut ConnectionString) -> Result<String, Error> {
        let section = section(&self.data_sources, name).ok_or_else(|| {
            missing(format!("no ODBC data source is named {name}: looked in {}", listed(&self.data_sources)))
        })?;
        for (keyword, value) in &section.pairs {
            if !matches!(keyword.to_ascii_lowercase().as_str(), "driver" | "description") {
                connection.default(keyword, value);
            }
        }
        let driver = section.get("driver").map(str::to_owned);
        driver.ok_or_else(|| missing(format!("{} names no Driver for {name}", section.file.display())))
    }

    fn in_folders(&self, file: &str) -> Result<PathBuf, Error> {
        let mut candidates = self.folders.iter().map(|folder| folder.join(file));
        candidates.find(|path| path.is_file()).ok_or_else(|| {
            missing(format!("the ODBC driver file {file} is not there: looked in {}", listed(&self.folders)))
        })
    }

    fn unknown(&self, driver: &str) -> Error {
        let mut known: Vec<String> =
            self.drivers.iter().flat_map(|file| sections(file)).map(|one| one.name).collect();
        known.sort_unstable();
        known.dedup();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let places = listed(&self.drivers);
        missing(format!("no ODBC driver is named {driver}: looked in {places}, where there is: {known}"))
    }
}

fn missing(problem: String) -> Error {
    Error::new(ErrorKind::Missing, problem)
}

fn there(file: PathBuf) -> Result<PathBuf, Error> {
    if file.is_file() {
        return Ok(file);
    }
    Err(missing(format!("the ODBC driver file {} is not there", file.display())))
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A section of an ini file.
struct Section {
    file: PathBuf,
    name: String,
    pairs: Vec<(String, String)>,
}

impl Section {
    fn get(&self, keyword: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(keyword));
        pair.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

fn section(files: &[PathBuf], name: &str) -> Option<Section> {
    files.iter().flat_map(|file| sections(file)).find(|section| section.name.eq_ignore_ascii_case(name))
}

/// The sections of a file but for `[ODBC]`, which is the driver manager's own; none when it cannot be read.
fn sections(file: &Path) -> Vec<Section> {
    let text = fs::read(file).unwrap_or_default();
    let mut sections: Vec<Section> = Vec::new();
    for line in String::from_utf8_lossy(&text).lines().map(str::trim) {
        if line.starts_with([';', '#']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let name = name.trim().to_owned();
            sections.push(Section { file: file.to_owned(), name, pairs: Vec::new() });
        } else if let (Some(section), Some((keyword, value))) = (sections.last_mut(), line.split_once('=')) {
            section.pairs.push((keyword.trim().to_owned(), value.trim().to_owned()));
        }
    }
    sections.retain(|section| !section.name.eq_ignore_ascii_case("odbc"));
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places in a new folder with two drivers, one by a bare name, and a data source.
    fn places() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("libbare.so"), "").unwrap();
        fs::write(path("libfull.so"), "").unwrap();
        let full = path("libfull.so");
        let drivers = format!(
            "; drivers\n[ODBC]\nTrace=no\n[Bare One]\nDriver = libbare.so\n[Full]\nDriver={}\n[Gone]\nDriver=x.so\n",
            full.display()
        );
        fs::write(path("odbcinst.ini"), drivers).unwrap();
        fs::write(path("odbc.ini"), "[Källa]\nDriver=Full\nDescription=x\nServer=db\nPort=1\n").unwrap();
        let places = Places {
            drivers: vec![path("none.ini"), path("odbcinst.ini")],
            data_sources: vec![path("odbc.ini")],
            folders: vec![path("none"), dir.path().to_owned()],
        };
        (dir, places)
    }

    fn resolved(places: &Places, text: &str) -> Result<(PathBuf, String), Error> {
        let mut connection = ConnectionString::parse(text).unwrap();
        places.resolve(&mut connection).map(|file| (file, connection.text("D", None)))
    }

    #[test]
    fn names_become_files() {
        let (dir, places) = places();
        for (text, expected) in [
            ("Driver={bare one};a=b", "libbare.so"),
            ("driver=libbare.so;a=b", "libbare.so"),
            ("Driver=FULL;a=b", "libfull.so"),
        ] {
            let (file, rest) = resolved(&places, text).unwrap();
            assert_eq!((file, rest.as_str()), (dir.path().join(expected), "Driver=D;a=b;"), "{text}");
        }
    }

    #[test]
    fn a_data_source_brings_its_settings_and_gives_way() {
        let (dir, places) = places();
        let (file, rest) = resolved(&places, "DSN=Källa;port=2").unwrap();
        assert_eq!(file, dir.path().join("libfull.so"));
        assert_eq!(rest, "Driver=D;port=2;Server=db;");
    }

    #[test]
    fn what_is_not_there_is_named_with_the_places() {
        let (_dir, places) = places();
        for (text, parts) in [
            ("Driver=Oracle", ["Oracle", "odbcinst.ini", "Bare One, Full, Gone"]),
            ("Driver=Gone", ["x.so", "none", "looked in"]),
            ("Driver=/none/y.so", ["/none/y.so", "driver file", "not there"]),
            ("DSN=Borta", ["Borta", "odbc.ini", "data source"]),
        ] {
            let error = resolved(&places, text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Missing);
            let said = error.to_string();
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        }
        assert_eq!(resolved(&places, "Server=x").unwrap_err().kind(), ErrorKind::Settings);
    }

    #[test]
    fn the_usual_places_are_searched() {
        let places = Places::of_this_machine();
        assert!(places.folders.iter().any(|folder| folder.ends_with("odbc")));
        assert!(!places.drivers.is_empty() && !places.data_sources.is_empty());
    }
}
