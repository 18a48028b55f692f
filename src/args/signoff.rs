//! What may be typed after `bron signoff`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Who answers for what.
#[derive(Debug, Subcommand)]
pub(crate) enum SignoffVerb {
    /// Ask for the sign-off of what was compared last
    Request(SignoffRequestArguments),
    /// Sign what was asked for
    Sign(SignoffSignArguments),
    /// Take a sign-off back, or the question for one
    Revoke(SignoffRevokeArguments),
    /// Say for each area who signed, when, and whether that still holds
    Show(SignoffShowArguments),
}

/// Who acts, and for what.
#[derive(Debug, Args)]
pub(crate) struct Signatory {
    /// The area of work, such as EB; without it the whole city
    #[arg(long, value_name = "CODE")]
    pub(crate) area: Option<String>,
    /// Who
    #[arg(long, value_name = "NAME")]
    pub(crate) person: String,
    /// In which role
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: String,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron signoff request`.
#[derive(Debug, Args)]
pub(crate) struct SignoffRequestArguments {
    #[command(flatten)]
    pub(crate) by: Signatory,
    /// What whoever signs should know
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Arguments of `bron signoff sign`.
#[derive(Debug, Args)]
pub(crate) struct SignoffSignArguments {
    #[command(flatten)]
    pub(crate) by: Signatory,
    /// Sign although something differs or is not proven. This is shown in red for ever
    #[arg(long = "override", requires = "reason")]
    pub(crate) is_override: bool,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Arguments of `bron signoff revoke`.
#[derive(Debug, Args)]
pub(crate) struct SignoffRevokeArguments {
    #[command(flatten)]
    pub(crate) by: Signatory,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

/// Arguments of `bron signoff show`.
#[derive(Debug, Args)]
pub(crate) struct SignoffShowArguments {
    /// Only this area of work
    #[arg(long, value_name = "CODE")]
    pub(crate) area: Option<String>,
    /// End with exit code 4 unless the sign-off of the area, or of the whole city, holds
    #[arg(long)]
    pub(crate) require: bool,
    /// A report that was handed on: say whether it is the page that was signed
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}
