//! Reading bounds.

use super::line::{Read, number};
use staging_core::{FailedSync, FileLimits, Limit, Limits, Tuning, Turns, Weights};

/// Those of a machine: what is not said is as ever.
pub(super) fn limits(settings: &[&str]) -> Read<Limits> {
    let settings = settings.iter().map(|setting| limit(setting));
    settings
        .into_iter()
        .try_fold(Limits::default(), |limits, setting| {
            Ok(limits.with(setting?))
        })
}

/// `NAME=NUMBER`.
pub(super) fn limit(setting: &str) -> Read<Limit> {
    let (name, value) = setting.split_once('=').ok_or("a limit is NAME=NUMBER")?;
    Ok(match name {
        "operations" => Limit::Operations(number(value)?),
        "per-file" => Limit::OperationsPerFile(number(value)?),
        "bytes" => Limit::Bytes(number(value)?),
        "bytes-per-file" => Limit::BytesPerFile(number(value)?),
        "handles" => Limit::Handles(number(value)?),
        "locks" => Limit::Locks(number(value)?),
        "descriptors" => Limit::Descriptors(number(value)?),
        "budget" => Limit::Budget(number(value)?),
        "linger" => Limit::Linger(number(value)?),
        "fetch" => Limit::Fetch(number(value)?),
        "chunk" => Limit::Chunk(number(value)?),
        "restarts" => Limit::Restarts(number(value)?),
        "merge" => Limit::Merge(number(value)?),
        "merge-bytes" => Limit::MergeBytes(number(value)?),
        "turns" => Limit::Turns(turns(value)?),
        _ => return Err(format!("no such limit as {name}")),
    })
}

/// `keep-dirty`, `refuse`, or what one file may hold: `operations=NUMBER`, `bytes=NUMBER`, both or none.
pub(super) fn tuning(how: &[&str]) -> Read<Tuning> {
    let mut limits = FileLimits::NONE;
    for word in how {
        match word.split_once('=') {
            Some(("operations", most)) => limits.operations = Some(number(most)?),
            Some(("bytes", most)) => limits.bytes = Some(number(most)?),
            None if *word == "keep-dirty" => return Ok(Tuning::FailedSync(FailedSync::KeepDirty)),
            None if *word == "refuse" => return Ok(Tuning::FailedSync(FailedSync::Refuse)),
            Some(_) | None => return Err(format!("{word}?")),
        }
    }
    Ok(Tuning::Limits(limits))
}

/// `by-arrival`, or the weights from Urgent down and the patience.
fn turns(value: &str) -> Read<Turns> {
    if value == "by-arrival" {
        return Ok(Turns::ByArrival);
    }
    let numbers: Read<Vec<u8>> = value.split(',').map(number).collect();
    let [urgent, high, normal, low, patience] = numbers?[..] else {
        return Err(format!("{value} is not four weights and a patience"));
    };
    let weights = Weights {
        urgent,
        high,
        normal,
        low,
    };
    Ok(Turns::ByClass { weights, patience })
}
