//! `evidence`: all that an answer about a customer rests on, in a folder that is checked without a server (E10).

mod gather;
mod pack;
mod standing;
mod verify;

pub use gather::{Wanted, fetch};

use std::path::PathBuf;

use super::failed::Failed;
use super::question::Asked;
use super::{Ended, Global, output};
use crate::proto::v1 as wire;

/// Gather all that an answer about a customer rests on into a folder, or verify one offline.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  consent-ledger evidence --customer K-1001 --out pack
  consent-ledger evidence --customer K-1001 --as-of 2026-03-02T11:00:00Z --class billing --target cmrs --out pack
  consent-ledger evidence verify pack --key ledger.key
  python3 pack/verify.py pack

With --class the pack holds that question and its answer. `verify` needs no server: it checks each record's proof against the
signed checkpoint, that none about the customer is missing, the rulebook's text, and derives the answer again."
)]
pub struct Arguments {
    #[command(subcommand)]
    verify: Option<Command>,
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// The company's id of the account.
    #[arg(long, value_name = "ID", required = true)]
    customer: Option<String>,
    /// The moment: an instant such as 2026-03-02T11:00:00Z, or a position [default: now].
    #[arg(long, value_name = "TIME|POSITION", value_parser = super::moment)]
    as_of: Option<wire::as_of::Moment>,
    #[command(flatten)]
    asked: Asked,
    /// Let disclosures under a gag order be in the pack: it is not for the customer then, nor for others.
    #[arg(long)]
    sealed: bool,
    /// Every record about the ledger, so that none can be missing: campaigns, breaches, complaints and training, too.
    #[arg(long)]
    whole_ledger: bool,
    /// The folder to make; it must not be there yet.
    #[arg(long, value_name = "DIR", required = true)]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Verify a pack offline, and show what it says.
    Verify(VerifyArguments),
}

/// Verify a pack offline, and show what it says.
#[derive(Debug, clap::Args)]
struct VerifyArguments {
    /// The pack.
    #[arg(value_name = "DIR")]
    pack: PathBuf,
    /// The key, or a file that holds it: take it from where you trust it, not from whoever gave you the pack.
    #[arg(long, value_name = "KEY")]
    key: String,
}

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    let Arguments {
        verify: verifying,
        server,
        customer,
        as_of,
        asked,
        sealed,
        whole_ledger,
        out,
    } = arguments;
    let done = match (verifying, customer, out) {
        (Some(Command::Verify(arguments)), ..) => {
            verify::run(&global, &arguments.pack, &arguments.key)
        }
        (None, Some(customer), Some(out)) => {
            let wanted = gather::Wanted {
                customer,
                as_of,
                asked: (!asked.is_nothing()).then_some(asked),
                sealed,
                whole_ledger,
            };
            gather::run(&global, &server, wanted, &out).await
        }
        // The command line demands them.
        _ => Err(Failed(Ended::Usage, "give --customer and --out".to_owned())),
    };
    done.unwrap_or_else(|Failed(ended, problem)| output::complain(ended, &problem))
}
