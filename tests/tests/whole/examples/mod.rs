//! The example plugins of workflow, each in a real gateway with the offline model: the heart of what each promises, over the whole way from a person's words to what people see.

mod budget_guard;
mod deploy_approval;
mod report_writer;
mod review_assistant;
mod sla_monitor;
mod stage;
mod thread_memory;
