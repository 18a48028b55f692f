//! Queries.

use crate::error::SqlError;
use crate::expression::sort_key;
use crate::kind::Kind;
use crate::lexer::Token;
use crate::parser::{Expr, Parser, Source};
use crate::statement::STARTS;
use crate::tracking::{self, CHANGE_COLUMNS, VERSION_COLUMNS};
use crate::{catalog::quoted, views};

/// Hints to a table that are understood to ask for nothing that matters here.
const HINTS: [&str; 8] =
    ["NOLOCK", "READCOMMITTED", "REPEATABLEREAD", "HOLDLOCK", "TABLOCK", "UPDLOCK", "ROWLOCK", "SNAPSHOT"];

/// A query in SQLite's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) sql: String,
    pub(crate) columns: Vec<Expr>,
    pub(crate) width: usize,
}

struct Parts {
    distinct: bool,
    top: Option<String>,
    list: Vec<Expr>,
    from: String,
    filter: String,
}

impl Parser<'_> {
    /// `SELECT …`, with everything up to its ORDER BY.
    pub(crate) fn query(&mut self) -> Result<Query, SqlError> {
        let first = self.core()?;
        let mut sql = first.sql();
        let mut united = false;
        while self.take_word("UNION") {
            sql.push_str(if self.take_word("ALL") { " UNION ALL " } else { " UNION " });
            self.scopes.pop();
            let next = self.core()?;
            if next.list.len() != first.list.len() {
                let problem = "All queries combined using a UNION must have an equal number of expressions.";
                return Err(SqlError::new(205, problem));
            }
            sql.push_str(&next.sql());
            united = true;
        }
        let order = self.order(&first.list, united)?;
        let window = self.window(!order.is_empty(), first.top.clone())?;
        self.options()?;
        self.scopes.pop();
        let columns = first.list;
        Ok(Query { sql: format!("{sql}{order}{window}"), width: columns.len(), columns })
    }

    /// A query without its ORDER BY. Leaves its scope open: the ORDER BY is read in it.
    fn core(&mut self) -> Result<Parts, SqlError> {
        self.word("SELECT")?;
        let distinct = self.take_word("DISTINCT");
        let top = if self.take_word("TOP") { Some(self.top()?) } else { None };
        let list_at = self.place();
        let has_from = self.skip_to_from();
        self.scopes.push(Vec::new());
        let from = if has_from { format!(" FROM {}", self.sources()?) } else { String::new() };
        let after = self.place();
        self.go_back(list_at);
        let list = self.select_list()?;
        let list_ended = if has_from { self.at_word("FROM") } else { self.place() == after };
        if !list_ended {
            return Err(self.unexpected());
        }
        self.go_back(after);
        let filter = self.filters()?;
        Ok(Parts { distinct, top, list, from, filter })
    }

    fn top(&mut self) -> Result<String, SqlError> {
        if self.at_sign("(") {
            return self.parenthesised(Self::value).map(|value| value.sql);
        }
        self.integer().map(|count| count.to_string())
    }

    /// Goes to what stands after the FROM of this query; without one, to where the select list ends.
    fn skip_to_from(&mut self) -> bool {
        let (start, mut depth) = (self.place(), 0u32);
        while let Some(token) = self.peek() {
            let ends =
                ["WHERE", "ORDER", "UNION", "GROUP"].iter().chain(&STARTS).any(|word| token.is_word(word));
            match token {
                Token::Sign("(") => depth += 1,
                Token::Sign(")") if depth == 0 => break,
                Token::Sign(")") => depth -= 1,
                Token::Sign(";") if depth == 0 => break,
                Token::Word(word) if depth == 0 && word.eq_ignore_ascii_case("FROM") => {
                    self.take_word("FROM");
                    return true;
                }
                Token::Word(_) if depth == 0 && ends => break,
                Token::Sign(_)
                | Token::Word(_)
                | Token::Name(_)
                | Token::Variable(_)
                | Token::Number(_)
                | Token::Text(_)
                | Token::Binary(_) => {}
            }
            self.go_back(self.place() + 1);
        }
        // Statements need no semicolon between: the list itself says where it ends.
        let end = self.place();
        self.go_back(start);
        let known = self.list_without_source();
        self.go_back(known.unwrap_or(end));
        false
    }

    fn list_without_source(&mut self) -> Option<usize> {
        let depth = self.scopes.len();
        self.scopes.push(Vec::new());
        let read = self.select_list();
        self.scopes.truncate(depth);
        read.ok().map(|_| self.place())
    }

    fn select_list(&mut self) -> Result<Vec<Expr>, SqlError> {
        let items = self.listed(Self::select_item)?;
        Ok(items.into_iter().flatten().collect())
    }

    fn select_item(&mut self) -> Result<Vec<Expr>, SqlError> {
        if self.take_sign("*") {
            return self.all_columns(None);
        }
        let star_after_alias = matches!(
            (self.peek_after(1), self.peek_after(2)),
            (Some(Token::Sign(".")), Some(Token::Sign("*")))
        );
        if self.at_name() && star_after_alias {
            let alias = self.name()?;
            self.sign(".")?;
            self.sign("*")?;
            return self.all_columns(Some(&alias));
        }
        if self.at_name() && matches!(self.peek_after(1), Some(Token::Sign("="))) {
            let name = self.name()?;
            self.sign("=")?;
            return Ok(vec![Expr { name, ..self.value()? }]);
        }
        let mut value = self.value()?;
        if self.take_word("AS") || self.at_alias() {
            value.name = self.name()?;
        }
        Ok(vec![value])
    }

    /// Whether a name follows that is no beginning of the next statement.
    fn at_alias(&self) -> bool {
        self.at_name() && !STARTS.iter().any(|word| self.at_word(word))
    }

    fn all_columns(&self, alias: Option<&str>) -> Result<Vec<Expr>, SqlError> {
        let scope = self.scopes.last().map(Vec::as_slice).unwrap_or_default();
        let meant = |source: &&Source| alias.is_none_or(|alias| source.alias.eq_ignore_ascii_case(alias));
        let columns = scope.iter().filter(meant).flat_map(|source| {
            source.columns.iter().map(|(name, kind)| Expr {
                sql: format!("{}.{}", quoted(&source.alias), quoted(name)),
                kind: Some(kind.clone()),
                name: name.clone(),
            })
        });
        let columns: Vec<Expr> = columns.collect();
        if columns.is_empty() { Err(SqlError::near("*")) } else { Ok(columns) }
    }

    fn sources(&mut self) -> Result<String, SqlError> {
        let mut sql = self.source()?;
        loop {
            if self.take_sign(",") {
                sql.push_str(" CROSS JOIN ");
                sql.push_str(&self.source()?);
                continue;
            }
            let kind = if self.take_words("LEFT OUTER JOIN") || self.take_words("LEFT JOIN") {
                "LEFT JOIN"
            } else if self.take_words("INNER JOIN") || self.take_word("JOIN") {
                "JOIN"
            } else if self.take_words("CROSS JOIN") {
                sql.push_str(" CROSS JOIN ");
                sql.push_str(&self.source()?);
                continue;
            } else {
                return Ok(sql);
            };
            let joined = self.source()?;
            self.word("ON")?;
            sql = format!("{sql} {kind} {joined} ON {}", self.condition()?);
        }
    }

    fn source(&mut self) -> Result<String, SqlError> {
        if self.at_sign("(") {
            let query = self.parenthesised(Self::query)?;
            let columns =
                query.columns.into_iter().map(|column| (column.name, column.kind.unwrap_or(Kind::Int)));
            return self.named_source(&format!("({})", query.sql), columns.collect());
        }
        if self.at_word("CHANGETABLE") {
            return self.change_table();
        }
        if let Some(Token::Variable(name)) = self.peek() {
            return self.table_variable(name);
        }
        let (schema, name) = self.object()?;
        if schema.eq_ignore_ascii_case("dbo") {
            let table =
                self.env.catalog.table(&name).ok_or_else(|| SqlError::no_object(&format!("dbo.{name}")))?;
            self.reads(table)?;
            let alias = self.alias()?.unwrap_or_else(|| table.name.clone());
            self.hints()?;
            self.open_scope().push(Source::of_table(table, &alias));
            return Ok(format!("main.{} AS {}", quoted(&table.name), quoted(&alias)));
        }
        let view = views::find(&schema, &name, self.env.catalog, self.env.databases);
        let view = view.ok_or_else(|| SqlError::no_object(&format!("{schema}.{name}")))?;
        let alias = self.alias()?.unwrap_or(name);
        self.open_scope().push(Source { alias: alias.clone(), columns: view.columns });
        Ok(format!("{} AS {}", view.sql, quoted(&alias)))
    }

    fn table_variable(&mut self, name: &str) -> Result<String, SqlError> {
        let missing = || SqlError::new(1087, format!("Must declare the table variable \"{name}\"."));
        let columns = self.env.variables.get(name).ok_or_else(missing)?;
        self.advance()?;
        let alias = self.alias()?.unwrap_or_else(|| name.to_owned());
        self.open_scope().push(Source::of_columns(columns, &alias));
        Ok(format!("temp.{} AS {}", quoted(name), quoted(&alias)))
    }

    fn open_scope(&mut self) -> &mut Vec<Source> {
        self.scopes.last_mut().expect("a query opens a scope before it reads its sources")
    }

    fn named_source(&mut self, sql: &str, columns: Vec<(String, Kind)>) -> Result<String, SqlError> {
        let alias = self.alias()?.ok_or_else(|| self.unexpected())?;
        self.open_scope().push(Source { alias: alias.clone(), columns });
        Ok(format!("{sql} AS {}", quoted(&alias)))
    }

    fn alias(&mut self) -> Result<Option<String>, SqlError> {
        if self.take_word("AS") || self.at_alias() {
            return self.name().map(Some);
        }
        Ok(None)
    }

    fn hints(&mut self) -> Result<(), SqlError> {
        if self.take_word("WITH") {
            self.parenthesised(|parser| {
                parser.listed(|parser| {
                    let known = HINTS.into_iter().any(|hint| parser.take_word(hint));
                    if known { Ok(()) } else { Err(parser.unexpected()) }
                })
            })?;
        }
        Ok(())
    }

    /// `CHANGETABLE(CHANGES table, since)` and `CHANGETABLE(VERSION table, (keys), (values))`.
    fn change_table(&mut self) -> Result<String, SqlError> {
        self.word("CHANGETABLE")?;
        self.sign("(")?;
        let changes = self.take_word("CHANGES");
        if !changes {
            self.word("VERSION")?;
        }
        let table = self.table()?;
        self.reads(table)?;
        if self.env.is_denied("VIEW CHANGE TRACKING") {
            return Err(SqlError::denied("VIEW CHANGE TRACKING", &table.name));
        }
        if !table.tracked {
            return Err(SqlError::not_tracked(&table.name));
        }
        self.sign(",")?;
        let (sql, first) = if changes {
            let since = self.value()?;
            (tracking::changes(table, &since.sql), CHANGE_COLUMNS.to_vec())
        } else {
            let keys = self.parenthesised(|parser| parser.listed(Self::name))?;
            self.sign(",")?;
            let values = self.parenthesised(|parser| parser.listed(Self::value))?;
            let known = keys.len() == values.len()
                && keys.len() == table.key.len()
                && keys.iter().all(|name| table.key.iter().any(|key| key.eq_ignore_ascii_case(name)));
            if !known {
                return Err(SqlError::new(
                    22114,
                    "The primary key columns of CHANGETABLE are not those of the table.",
                ));
            }
            let pairs: Vec<(String, String)> =
                keys.into_iter().zip(values.into_iter().map(|value| value.sql)).collect();
            (tracking::version(table, &pairs), VERSION_COLUMNS.to_vec())
        };
        self.sign(")")?;
        let keys = table.key.iter().filter_map(|key| table.column(key));
        let keys = keys.map(|column| (column.name.clone(), column.kind.clone()));
        let columns = first.into_iter().map(|(name, kind)| (name.to_owned(), kind)).chain(keys);
        self.named_source(&sql, columns.collect())
    }

    /// WHERE, GROUP BY and HAVING.
    fn filters(&mut self) -> Result<String, SqlError> {
        let mut sql = String::new();
        if self.take_word("WHERE") {
            sql.push_str(&format!(" WHERE {}", self.condition()?));
        }
        if self.take_words("GROUP BY") {
            let keys = self.listed(Self::value)?;
            sql.push_str(&format!(
                " GROUP BY {}",
                keys.iter().map(|key| key.sql.as_str()).collect::<Vec<_>>().join(", ")
            ));
        }
        if self.take_word("HAVING") {
            sql.push_str(&format!(" HAVING {}", self.condition()?));
        }
        Ok(sql)
    }

    fn order(&mut self, list: &[Expr], united: bool) -> Result<String, SqlError> {
        if !self.take_words("ORDER BY") {
            return Ok(String::new());
        }
        let keys = self.listed(|parser| {
            let key = parser.order_key(list, united)?;
            let direction = if parser.take_word("DESC") { " DESC" } else { "" };
            parser.take_word("ASC");
            Ok(format!("{key}{direction}"))
        })?;
        Ok(format!(" ORDER BY {}", keys.join(", ")))
    }

    fn order_key(&mut self, list: &[Expr], united: bool) -> Result<String, SqlError> {
        if matches!(self.peek(), Some(Token::Number(_))) {
            return self.integer().map(|place| place.to_string());
        }
        let collated = self.peek_after(1).is_some_and(|token| token.is_word("COLLATE"));
        let named = match self.peek() {
            Some(Token::Word(word) | Token::Name(word))
                if !collated && !matches!(self.peek_after(1), Some(Token::Sign("." | "("))) =>
            {
                (1usize..).zip(list).find(|(_, column)| column.name.eq_ignore_ascii_case(word))
            }
            _ => None,
        };
        if let Some((place, column)) = named {
            self.advance()?;
            return if united { Ok(place.to_string()) } else { sort_key(column) };
        }
        if united {
            return Err(self.unexpected());
        }
        sort_key(&self.value()?)
    }

    fn window(&mut self, ordered: bool, top: Option<String>) -> Result<String, SqlError> {
        if !self.at_word("OFFSET") {
            return Ok(top.map_or_else(String::new, |top| format!(" LIMIT {top}")));
        }
        if !ordered || top.is_some() {
            return Err(self.unexpected());
        }
        self.word("OFFSET")?;
        let skipped = self.value()?.sql;
        if !self.take_word("ROWS") {
            self.word("ROW")?;
        }
        let mut limit = "-1".to_owned();
        if self.take_word("FETCH") {
            if !self.take_word("NEXT") {
                self.word("FIRST")?;
            }
            limit = self.value()?.sql;
            if !self.take_words("ROWS ONLY") {
                self.word("ROW")?;
                self.word("ONLY")?;
            }
        }
        Ok(format!(" LIMIT {limit} OFFSET {skipped}"))
    }

    /// Hints to a query that change nothing in its answer.
    fn options(&mut self) -> Result<(), SqlError> {
        if self.take_word("OPTION") {
            self.parenthesised(|parser| {
                parser.listed(|parser| match parser.take_word("MAXDOP") || parser.take_word("FAST") {
                    true => parser.integer().map(drop),
                    false => parser.word("RECOMPILE"),
                })
            })?;
        }
        Ok(())
    }
}

impl Parts {
    fn sql(&self) -> String {
        let list = self.list.iter().map(|column| match column.name.is_empty() {
            true => column.sql.clone(),
            false => format!("{} AS {}", column.sql, quoted(&column.name)),
        });
        let list = list.collect::<Vec<_>>().join(", ");
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        format!("SELECT {distinct}{list}{}{}", self.from, self.filter)
    }
}
