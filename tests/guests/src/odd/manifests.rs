//! Plugins that are good in all but their manifest, which is missing, doubled, not JSON or not true.

use super::Odd;
use super::template::manifest_of;

/// No manifest.
pub fn manifest_missing() -> Vec<u8> {
    Odd::new("manifest-missing").manifest(None).build()
}

/// Two sections, each a good manifest.
pub fn manifest_twice() -> Vec<u8> {
    Odd::new("manifest-twice").another_manifest(manifest_of("manifest-twice", "0.2.0")).build()
}

/// One section with two manifests in a row, as a linker makes it of two statics.
pub fn manifest_concatenated() -> Vec<u8> {
    let both = ["0.1.0", "0.2.0"].map(|version| manifest_of("manifest-concatenated", version)).concat();
    Odd::new("manifest-concatenated").manifest(Some(both)).build()
}

/// A manifest that isn't JSON.
pub fn manifest_not_json() -> Vec<u8> {
    Odd::new("manifest-not-json").manifest(Some(b"id = manifest-not-json".to_vec())).build()
}

/// A manifest whose id climbs out of the folder.
pub fn manifest_bad_id() -> Vec<u8> {
    Odd::new("manifest-bad-id").version("../evil", "0.1.0").build()
}

/// A good manifest with this id, whatever the file is called.
pub fn manifest_other_id(id: &str) -> Vec<u8> {
    Odd::new(id).build()
}

/// A manifest with a key that no schema knows.
pub fn manifest_unknown_key() -> Vec<u8> {
    let json = br#"{"id":"manifest-unknown-key","version":"0.1.0","shoe-size":43}"#;
    Odd::new("manifest-unknown-key").manifest(Some(json.to_vec())).build()
}

/// A manifest whose version is none.
pub fn manifest_bad_version() -> Vec<u8> {
    Odd::new("manifest-bad-version").version("manifest-bad-version", "one point oh").build()
}
