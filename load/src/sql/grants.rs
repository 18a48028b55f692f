//! The rights that the three kinds of work on a PostgreSQL target take.

use std::fmt::Write as _;

use bron_mappings::Model;

use super::{CONTROL_TABLES, history, quoted};

/// The statements that give three roles their rights in the schema `public` of a target: `<role>_ddl` creates and
/// alters tables, `<role>_dml` loads them, `<role>_read` compares and reports. None of the last two can create, drop
/// or empty a table. In tables that are not made by `<role>_ddl`, `<role>_dml` can take a row of the model away, which
/// is how a row that is moved to the history leaves them; only the owner of the tables can alter or take away what the
/// history holds. Tables that `<role>_ddl` makes later are the others' to use as well. The statements can be run
/// again; making the roles and their passwords stands before them as comments.
#[must_use]
pub fn target_grants(model: &Model, role: &str, database: Option<&str>) -> String {
    let [ddl, dml, read] = ["ddl", "dml", "read"].map(|kind| quoted(&format!("{role}_{kind}")));
    let said = [&ddl, &dml, &read].map(|name| name.chars().filter(|letter| !letter.is_control()).collect());
    let [said_ddl, said_dml, said_read]: [String; 3] = said;
    let mut text = format!(
        "-- Run in the target database as its owner. The roles are made once:\n\
         --   CREATE ROLE {said_ddl} LOGIN NOSUPERUSER PASSWORD '…';\n\
         --   CREATE ROLE {said_dml} LOGIN NOSUPERUSER PASSWORD '…';\n\
         --   CREATE ROLE {said_read} LOGIN NOSUPERUSER PASSWORD '…';\n\
         -- Before PostgreSQL 15 everybody may create tables: REVOKE CREATE ON SCHEMA public FROM PUBLIC;\n"
    );
    if let Some(database) = database.map(quoted) {
        let _ = writeln!(text, "GRANT CONNECT ON DATABASE {database} TO {ddl}, {dml}, {read};");
        // Rows go through a temporary table, so that they come all at once or not at all.
        let _ = writeln!(text, "GRANT TEMPORARY ON DATABASE {database} TO {dml};");
    }
    let _ = writeln!(text, "GRANT USAGE, CREATE ON SCHEMA public TO {ddl};");
    let _ = writeln!(text, "GRANT USAGE ON SCHEMA public TO {dml}, {read};");
    let later = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {ddl} IN SCHEMA public GRANT");
    let _ = writeln!(text, "{later} SELECT, INSERT, UPDATE ON TABLES TO {dml};");
    let _ = writeln!(text, "{later} SELECT ON TABLES TO {read};");
    let made = format!(
        "The tables are made by {said_ddl}: by the load itself, where `ddl_address` names the role, or with what \
         `bron mapping ddl --dialect postgres` prints."
    );
    let _ = writeln!(text, "-- {made}\n-- What follows is for tables that were there before:");
    for entity in model.entities.keys() {
        let (table, history) = (quoted(entity), quoted(&history::name(entity)));
        let _ = writeln!(text, "GRANT SELECT, INSERT, UPDATE, DELETE ON public.{table} TO {dml};");
        let _ = writeln!(text, "REVOKE UPDATE, DELETE, TRUNCATE ON public.{history} FROM {dml};");
        let _ = writeln!(text, "GRANT SELECT, INSERT ON public.{history} TO {dml};");
        let _ = writeln!(text, "GRANT SELECT ON public.{table}, public.{history} TO {read};");
    }
    for table in CONTROL_TABLES.map(quoted) {
        let _ = writeln!(text, "GRANT SELECT, INSERT, UPDATE ON public.{table} TO {dml};");
        let _ = writeln!(text, "GRANT SELECT ON public.{table} TO {read};");
    }
    text
}
