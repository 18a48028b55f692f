//! What may be typed after `bron quarantine`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// The rows that did not come over, and what people decide about them.
#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineVerb {
    /// List items, masked
    List(ListArguments),
    /// Show one item: masked, or with the row itself to whoever holds a key and says why
    Show(ShowArguments),
    /// Note a decision about items
    Decide(DecideArguments),
    /// Write a workbook in which owners decide
    Export(ExportArguments),
    /// Read the decisions back out of a workbook: all of them, or none
    Import(ImportArguments),
    /// Run the chain again over what was read, and say what became of every item
    Replay(ReplayArguments),
}

/// Where an item stands, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateName {
    /// Nobody has decided
    Open,
    /// The row stays out, by decision
    Accept,
    /// The source is to be corrected
    Correct,
    /// A code is to be mapped
    Map,
    /// Somebody decided to wait
    Wait,
    /// Held back for the same reason after a decision
    Again,
    /// Loaded after all
    Loaded,
    /// No longer in the source
    Gone,
    /// Left out by a rule of scope
    LeftOut,
    /// Held back for another reason now
    OtherReason,
}

/// A decision, on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecisionName {
    /// The row stays out
    Accept,
    /// The row is corrected in the source system
    Correct,
    /// The value means a code of the new model, see --maps-to
    Map,
    /// Nothing is decided yet
    Wait,
}

/// Arguments of `bron quarantine list`.
#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only items with this reason code
    #[arg(long, value_name = "CODE")]
    pub(crate) reason: Option<String>,
    /// Only items of this source system
    #[arg(long, value_name = "SYSTEM")]
    pub(crate) system: Option<String>,
    /// Only items of this source table
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
    /// Only items of this owner, such as SDF
    #[arg(long, value_name = "CODE")]
    pub(crate) owner: Option<String>,
    /// Only items of this area of work
    #[arg(long, value_name = "CODE")]
    pub(crate) area: Option<String>,
    /// Only items in this state; without it those that are held back now
    #[arg(long, value_enum, value_name = "STATE")]
    pub(crate) state: Option<StateName>,
    /// Only items whose latest decision is this one, in whatever state
    #[arg(long, value_enum, value_name = "DECISION")]
    pub(crate) decision: Option<DecisionName>,
    /// Items that have ended as well
    #[arg(long)]
    pub(crate) all: bool,
    /// Items about protected persons instead of the others: for those who may know of them
    #[arg(long)]
    pub(crate) protected: bool,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron quarantine show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The item: its id, or so much of it that no other item begins the same way
    #[arg(value_name = "ID")]
    pub(crate) item: String,
    /// Show the row itself, opened with this file of secret keys of age. That is noted before it is shown
    #[arg(long, value_name = "FILE", requires_all = ["person", "role", "purpose"])]
    pub(crate) identity: Option<PathBuf>,
    /// Who looks
    #[arg(long, value_name = "NAME", requires = "identity")]
    pub(crate) person: Option<String>,
    /// In which role
    #[arg(long, value_name = "ROLE", requires = "identity")]
    pub(crate) role: Option<String>,
    /// For what purpose
    #[arg(long, value_name = "TEXT", requires = "identity")]
    pub(crate) purpose: Option<String>,
    /// Also where the row is, or may be, about a protected person
    #[arg(long)]
    pub(crate) protected: bool,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron quarantine decide`.
#[derive(Debug, Args)]
pub(crate) struct DecideArguments {
    /// The items: their ids, or so much of each that no other item begins the same way
    #[arg(value_name = "ID", required = true)]
    pub(crate) items: Vec<String>,
    /// What is decided
    #[arg(long, value_enum, value_name = "DECISION")]
    pub(crate) decision: DecisionName,
    /// Who decides
    #[arg(long, value_name = "NAME")]
    pub(crate) person: String,
    /// In which role
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: String,
    /// Also items about protected persons: for those who may know of them
    #[arg(long)]
    pub(crate) protected: bool,
    /// The code of the new model that the value means, with --decision map
    #[arg(long, value_name = "CODE")]
    pub(crate) maps_to: Option<String>,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron quarantine export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The workbook to write; one that is there is left alone
    #[arg(value_name = "FILE.xlsx")]
    pub(crate) file: PathBuf,
    /// Only the items of this owner, such as SDF
    #[arg(long, value_name = "CODE")]
    pub(crate) owner: Option<String>,
    /// The items about protected persons instead of the others: for those who may know of them
    #[arg(long)]
    pub(crate) protected: bool,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron quarantine import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The workbook
    #[arg(value_name = "FILE.xlsx")]
    pub(crate) file: PathBuf,
    /// The project: the directory that holds bron.toml
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
}

/// Arguments of `bron quarantine replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// Tell only of items with this reason code; every row is run again all the same
    #[arg(long, value_name = "CODE")]
    pub(crate) reason: Option<String>,
    /// Tell of items about protected persons instead of the others: for those who may know of them
    #[arg(long)]
    pub(crate) protected: bool,
    #[command(flatten)]
    pub(crate) chain: super::ChainArguments,
}
