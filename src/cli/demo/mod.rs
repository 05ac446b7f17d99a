//! `demo`: the policy's story, played on a real server by real callers, each claim checked before it is printed.
//!
//! Reading order: [`consents`], [`campaign`], [`migration`], [`disclosures`], [`leaving`] are the story in the order of the policy's
//! clauses; [`publication`] is the subscriber's side of it; [`evidence`] and [`tamper`] are the auditor's. `scene`, `callers`,
//! `words` and `print` are what they are told with, `house` and `nats` what they run on.

mod callers;
mod campaign;
mod consents;
mod disclosures;
mod evidence;
mod house;
mod leaving;
mod migration;
mod nats;
mod print;
mod publication;
mod scene;
mod surprise;
mod tamper;
mod words;

use std::path::PathBuf;

use super::{Ended, Global, output, serve};
use crate::app::Running;
use crate::telemetry;
use callers::{Callers, may_affiliate_market};
use house::{House, Place};
use print::{Page, grouped};
use publication::{Feed, Publication};
use scene::{Detail, MAIN, Scene};
use surprise::{Surprise, same, there};

/// Play the policy's story on a real server, from the first account to a found forgery.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger demo                        play it, then keep the server up to try commands on
  consent-ledger demo --exit                 play it and end
  consent-ledger demo --data demo --exit     keep the ledger: consent-ledger verify --data demo

Nothing leaves this machine: server, NATS and callers are on loopback ports that were free.
Whatever is said was checked; where something is otherwise, the exit code is 1.")]
pub struct Arguments {
    /// Folder for the ledger, empty or not there yet [default: a temporary one].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End when the story has ended.
    #[arg(long)]
    exit: bool,
    /// No colour, even on a terminal.
    #[arg(long)]
    no_color: bool,
    /// The nats-server program [default: that of the search path, or target/tools/nats-server].
    #[arg(long, value_name = "PROGRAM", env = "NATS_SERVER")]
    nats_server: Option<PathBuf>,
}

/// Plays the demo.
pub async fn run(global: Global, arguments: Arguments) -> Ended {
    let mut page = Page::new(arguments.no_color);
    let filter = global.log.as_deref().unwrap_or("error");
    if let Err(error) = telemetry::log(filter, telemetry::LogFormat::Text) {
        return output::fail(Ended::Usage, &error);
    }
    let played = tokio::select! {
        played = play(&mut page, &arguments) => played,
        () = serve::told_to_stop() => Err(Surprise::Stopped),
    };
    let ended = match played {
        Ok(played) => end(&mut page, arguments.exit, played).await,
        Err(surprise) => Err(surprise),
    };
    match ended {
        Ok(()) => Ended::Well,
        Err(surprise) => output::complain(
            surprise.ended(),
            &format!("demo, {}: {surprise}", page.place()),
        ),
    }
}

/// What runs when the story has ended.
struct Played {
    running: Running,
    place: Place,
    nats: Option<nats::Server>,
    records: u64,
}

async fn play(page: &mut Page, arguments: &Arguments) -> Result<Played, Surprise> {
    page.edge("The CPNI policy of a telephone company, played on a real server. Nothing is printed before it was checked.");
    let place = Place::choose(arguments.data.as_deref())?;
    page.step("A ledger of its own");
    let program = nats::find(arguments.nats_server.as_deref()).await?;
    let nats = match &program {
        Some(program) => Some(nats::Server::start(program).await?),
        None => None,
    };
    let url = match &nats {
        Some(server) => server.url.clone(),
        None => house::nobody()?,
    };
    let mut house = House::new(&place.dir, url.clone())?;
    let running = house.open().await?;
    tell_house(page, &place, &running);
    let mut publication = publication(page, &running, program.as_ref(), &url).await?;
    let mut scene = Scene {
        page,
        callers: Callers::connect(running.grpc).await?,
        head: 0,
        grant: 0,
        denial: 0,
        gagged: 0,
    };
    story(&mut scene, &mut publication).await?;
    let marks = (scene.grant, scene.gagged);
    publication.tell(scene.page, scene.head, marks).await?;
    let evidence = evidence::handed_over(&mut scene, &place.export).await?;
    let server = format!("http://{}", running.grpc);
    evidence::pack(&mut scene, &server, &place.export).await?;
    let Scene {
        page, denial, head, ..
    } = scene;
    drop(publication);
    running.close().await?;
    let verified = evidence::offline(page, &place.dir, place.scratch.path(), &evidence)?;
    same("records on disk", verified.records, head + 1)?;
    evidence::standing_question(page, &place.dir)?;
    tamper::copies(page, &evidence, &place.dir, place.scratch.path(), denial)?;
    let running = restart(page, &mut house, nats.is_some(), head).await?;
    Ok(Played {
        running,
        place,
        nats,
        records: verified.records,
    })
}

async fn publication(
    page: &mut Page,
    running: &Running,
    program: Option<&nats::Program>,
    url: &str,
) -> Result<Publication, Surprise> {
    let relay = there("the relay", running.relay.clone())?;
    let Some(program) = program else {
        page.fact("NATS", nats::HOW_TO_GET);
        return Ok(Publication::Waiting(relay));
    };
    let feed = Feed::subscribe(url, &running.ledger.genesis.ledger, relay).await?;
    page.fact(
        "NATS",
        format!("{} on {url}, started for this", program.version),
    );
    page.fact(
        "subscriber",
        format!("a marketing system, on stream {}", feed.stream),
    );
    Ok(Publication::Followed(Box::new(feed)))
}

fn tell_house(page: &mut Page, place: &Place, running: &Running) {
    let kept = if place.temporary {
        " (temporary: it goes with the demo)"
    } else {
        ""
    };
    page.fact("folder", format!("{}{kept}", place.dir.display()));
    page.fact(
        "server",
        format!("gRPC on {}, reachable from this machine only", running.grpc),
    );
    let genesis = &running.ledger.genesis;
    let rulebook = &genesis.rulebook;
    page.fact(
        "ledger",
        format!("{}, opened in record 0", running.ledger.id()),
    );
    page.fact(
        "rulebook",
        format!(
            "{} {}, the policy as data; its digest is in record 0",
            rulebook.name, rulebook.version
        ),
    );
}

/// The policy, clause by clause.
async fn story(scene: &mut Scene<'_>, publication: &mut Publication) -> Result<(), Surprise> {
    consents::account(scene).await?;
    publication.heard(scene.page, scene.head).await?;
    consents::approval(scene).await?;
    publication.heard(scene.page, scene.grant).await?;
    consents::changes_of_mind(scene).await?;
    publication.heard(scene.page, scene.head).await?;
    consents::one_call(scene).await?;
    campaign::scrubbed(scene).await?;
    publication.heard(scene.page, scene.head).await?;
    migration::brought(scene).await?;
    publication.heard(scene.page, scene.head).await?;
    disclosures::grounds(scene).await?;
    leaving::leaves_and_returns(scene).await?;
    leaving::history(scene).await
}

/// Starts the server on what is on disk: it answers as before, and publishes nothing twice.
async fn restart(
    page: &mut Page,
    house: &mut House,
    nats: bool,
    head: u64,
) -> Result<Running, Surprise> {
    page.step("The server starts again on the untouched folder");
    let running = house.open().await?;
    let callers = Callers::connect(running.grpc).await?;
    let mut scene = Scene {
        page,
        callers,
        head,
        grant: 0,
        denial: 0,
        gagged: 0,
    };
    let asked = "May infotech-cloud use the billing data of the customer who denied it?";
    let question = may_affiliate_market("infotech-cloud");
    let no = (false, crate::proto::v1::ReasonCode::Denied);
    scene
        .ask((asked, MAIN, question), no, Detail::Brief)
        .await?;
    same("the newest record", scene.reached().await?, head)?;
    if nats {
        let mut relay = there("the relay", running.relay.clone())?;
        let status = relay
            .wait(|status| status.connected || status.stopped)
            .await;
        same(
            "the position published next",
            (status.connected, status.next),
            (true, head + 1),
        )?;
    }
    let nothing_twice = if nats {
        ", and nothing is published twice"
    } else {
        ""
    };
    scene.page.done(&format!(
        "all {} records are there{nothing_twice}",
        grouped(head + 1)
    ));
    Ok(running)
}

/// Ends, or stays up with commands to try.
async fn end(page: &mut Page, exit: bool, played: Played) -> Result<(), Surprise> {
    let sum = format!("verified {} records", played.records);
    if exit {
        played.running.close().await?;
        page.edge("");
        page.sum(&sum);
    } else {
        page.edge("");
        page.sum(&sum);
        commands(page, &played.running, &played.place);
        played.running.until(serve::told_to_stop()).await?;
    }
    if let Some(nats) = played.nats {
        nats.stop().await;
    }
    Ok(())
}

/// What to try next; the last lines of a demo that stays up.
fn commands(page: &mut Page, running: &Running, place: &Place) {
    let server = format!("--server http://{}", running.grpc);
    let export = place.export.join("ledger.ndjson");
    let export = export.display();
    page.edge("\nThe server stays up until Ctrl-C. In another terminal (from the source: `cargo run --release --` for `consent-ledger`):\n");
    let mut lines = vec![
        format!("consent-ledger check {server} --customer {MAIN} --class billing --target cmrs"),
        format!(
            "consent-ledger check {server} --customer ACCT-20012 --class billing --target cmrs"
        ),
        format!("consent-ledger inspect {server} --customer {MAIN}"),
        format!("consent-ledger inspect {server} --position 0"),
        format!("consent-ledger verify --export {export} --checkpoint {export}.checkpoint"),
        format!(
            "consent-ledger evidence verify {} --key {export}.key",
            place.export.join("evidence").display()
        ),
    ];
    if let Some(metrics) = running.metrics {
        lines.push(format!("curl http://{metrics}/metrics"));
    }
    page.exact(&lines.join("\n"));
    if !place.temporary {
        let dir = place.dir.display();
        page.edge("\nAnd when it has stopped:\n");
        page.exact(&format!("consent-ledger verify --data {dir}\nconsent-ledger export --data {dir} --out ledger.ndjson\nconsent-ledger serve --data {dir}"));
    }
}
