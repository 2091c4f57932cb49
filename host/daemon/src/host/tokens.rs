//! Tokens of the HTTP interface: kept in the state, hashed, and looked at for each request.

use super::{By, Failure, Host, Kind, lock};
use crate::api::types::{IssuedToken, NewToken, TokenList, TokenView};
use crate::tokens::{Caller, IssueError, Refused, Scope, TokenRecord, Tokens};
use plugbay_runtime::state::{DocumentChange, Fact, Record, StateStore};
use std::time::{SystemTime, UNIX_EPOCH};

/// The kind of document that a token is.
const KIND: &str = "token";

/// The tokens that were issued.
pub(super) async fn read(state: &dyn StateStore) -> Result<Tokens, String> {
    let documents = state.documents(KIND).await.map_err(|e| e.to_string())?;
    let record = |d: &plugbay_runtime::state::Document| {
        serde_json::from_str::<TokenRecord>(&d.body).map_err(|e| format!("the token `{}` can't be read: {e}", d.name))
    };
    Ok(Tokens::from_records(documents.iter().map(record).collect::<Result<_, _>>()?))
}

impl Host {
    /// Whose token this is, and what it may do.
    ///
    /// # Errors
    /// If it is unknown or has expired.
    pub fn authenticate(&self, presented: &str) -> Result<Caller, Refused> {
        lock(&self.0.tokens).check(presented, now())
    }

    /// All tokens, without their secrets.
    #[must_use]
    pub fn tokens(&self) -> TokenList {
        TokenList { tokens: lock(&self.0.tokens).list().iter().map(view).collect() }
    }

    /// Issues a token. It is good once this has answered.
    ///
    /// # Errors
    /// If name, scope or expiry are wrong, or it can't be kept.
    pub async fn issue_token(&self, asked: NewToken, by: By) -> Result<IssuedToken, Failure> {
        let scope: Scope = asked.scope.parse().map_err(|e: crate::tokens::NoScope| Failure::invalid(e.to_string()))?;
        let _keeping = self.0.keeping_tokens.lock().await;
        let issued = lock(&self.0.tokens).issue(&asked.name, scope, asked.expires_at, now());
        let (secret, record) = issued.map_err(|e| match e {
            IssueError::Taken(_) => Failure::new(Kind::Conflict, "conflict", e.to_string()),
            IssueError::Random(_) => Failure::internal(e),
            IssueError::Name(_) | IssueError::Expired { .. } => Failure::invalid(e.to_string()),
        })?;
        let fact = Fact { why: Some(format!("{} with {}", record.name, record.scope)), ..Fact::new(&by.who, "token-issued") };
        if let Err(failure) = self.keep(vec![document(&record)?], vec![fact]).await {
            lock(&self.0.tokens).revoke(&record.name);
            return Err(failure);
        }
        Ok(IssuedToken { secret: secret.reveal().to_owned(), token: view(&record) })
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// If there is none of this name, or that can't be written; then it is refused all the same until the host is started again.
    pub async fn revoke_token(&self, name: &str, by: By) -> Result<TokenView, Failure> {
        let token = self.tokens().tokens.into_iter().find(|t| t.name == name);
        let Some(token) = token else {
            let known = self.tokens();
            return Err(Failure::not_found("token", name, known.tokens.iter().map(|t| t.name.as_str())));
        };
        lock(&self.0.tokens).revoke(name);
        let _keeping = self.0.keeping_tokens.lock().await;
        let fact = Fact { why: Some(name.to_owned()), ..Fact::new(&by.who, "token-revoked") };
        self.keep(vec![DocumentChange::delete(KIND, name)], vec![fact]).await?;
        Ok(token)
    }

    /// Writes down when tokens were last used.
    pub(super) async fn keep_used_tokens(&self) {
        let _keeping = self.0.keeping_tokens.lock().await;
        let used = lock(&self.0.tokens).take_used();
        let documents: Vec<_> = used.iter().filter_map(|record| document(record).ok()).collect();
        if !documents.is_empty()
            && let Err(e) = self.keep(documents, Vec::new()).await
        {
            tracing::warn!("when tokens were last used isn't written down: {e}");
        }
    }

    async fn keep(&self, documents: Vec<DocumentChange>, events: Vec<Fact>) -> Result<(), Failure> {
        let written = self.0.state.record(Record { documents, events }).await?;
        written.map(drop).map_err(|e| Failure::new(Kind::Conflict, "conflict", e.to_string()))
    }
}

fn document(record: &TokenRecord) -> Result<DocumentChange, Failure> {
    Ok(DocumentChange::set(KIND, &record.name, serde_json::to_string(record).map_err(Failure::internal)?))
}

fn view(record: &TokenRecord) -> TokenView {
    TokenView { name: record.name.clone(), scope: record.scope.to_string(), created_at: record.created_at, expires_at: record.expires_at }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
