//! Every method can be looked up, reads as text, and has a form that is a request.

use super::contract::Contract;
use super::form::{AsJson, Blank, messages};
use super::rows;
use crate::access::table::METHODS;

#[test]
fn u2_every_method_is_found_by_its_name_and_by_its_whole_name() {
    let contract = Contract::compiled().unwrap();
    for (path, _) in METHODS {
        let (service, name) = path[1..].split_once('/').unwrap();
        let short = service.rsplit('.').next().unwrap();
        let spellings = [
            name.to_owned(),
            format!("{short}.{name}"),
            format!("{short}/{name}"),
            format!("{service}/{name}"),
        ];
        for named in spellings {
            let method = contract.method(&named).unwrap();
            assert_eq!(
                (method.name(), method.parent_service().full_name()),
                (name, service),
                "{named}"
            );
        }
    }
    let methods = contract.services().into_iter();
    let methods = methods.map(|service| service.methods().count());
    assert_eq!(methods.sum::<usize>(), METHODS.len());
    assert!(contract.method("Nothing").is_none());
    assert!(contract.method("CheckService.RecordBreach").is_none());
}

#[test]
fn u2_each_field_and_each_value_of_a_described_method_is_explained() {
    let contract = Contract::compiled().unwrap();
    let services = contract.services();
    for method in services.iter().flat_map(|service| service.methods()) {
        let text = contract.described(&method);
        let lines: Vec<_> = text.lines().collect();
        for pair in lines.windows(2) {
            let indent = |line: &str| line.len() - line.trim_start().len();
            let explained = indent(pair[0]) != 2 || indent(pair[1]) == 6;
            assert!(explained, "{}: {}", method.name(), pair[0]);
        }
    }
}

#[test]
fn u2_the_form_of_every_method_is_a_request_of_it_with_nothing_filled_in() {
    let contract = Contract::compiled().unwrap();
    let services = contract.services();
    for method in services.iter().flat_map(|service| service.methods()) {
        let form = serde_json::to_string(&Blank::of(&method.input())).unwrap();
        let read = messages(&form, &method.input(), &[]);
        let read = read.unwrap_or_else(|failed| panic!("{}: {}", method.name(), failed.1));
        assert_eq!(read.len(), 1);
        for field in method.input().fields() {
            let name = format!("\"{}\"", field.name());
            assert!(form.contains(&name), "{} lacks {name}", method.name());
        }
        serde_json::to_string(&AsJson(&read[0])).unwrap();
    }
}

#[test]
fn u2_registers_and_lists_have_rows_and_single_answers_have_none() {
    let contract = Contract::compiled().unwrap();
    let list = |name: &str| {
        let method = contract.method(name).unwrap();
        rows::list_of(&method.output()).map(|field| field.name().to_owned())
    };
    for (name, expected) in [
        ("ListBreaches", Some("breaches")),
        ("ListPeople", Some("people")),
        ("ListEntities", Some("entities")),
        ("CheckUse", None),
        ("GetCheckpoint", None),
    ] {
        assert_eq!(list(name).as_deref(), expected, "{name}");
    }
}
