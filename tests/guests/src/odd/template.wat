;; The core module of every odd plugin. Words in @marks@ are filled in by `Odd::wat`.
;;
;; Memory: 1024..1104 is the return area, texts follow from 4096, then the heap.
;; An exported function whose results don't fit one core value returns a pointer to them; all of ours return @ret@.
(module
  (import "plugbay:plugin/types@@api@" "[resource-drop]session" (func $drop_session (param i32)))
  (import "plugbay:plugin/types@@api@" "[resource-drop]transcript" (func $drop_transcript (param i32)))
@imports@
  (memory (export "memory") @pages@)
  (global $base i32 (i32.const @base@))
  (global $heap (mut i32) (i32.const @base@))
  ;; 0 until `activate` has answered: from then on an odd `cabi_realloc` shows its face.
  (global $live (mut i32) (i32.const 0))
@texts@

  ;; Takes $size bytes from the heap, growing the memory by what is missing; refused growth is a trap, as in any language.
  (func $take (param $size i32) (param $align i32) (result i32)
    (local $at i32) (local $missing i32)
    (local.set $at (i32.and
      (i32.add (global.get $heap) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $heap (i32.add (local.get $at) (local.get $size)))
    (local.set $missing (i32.sub
      (i32.shr_u (i32.add (global.get $heap) (i32.const 65535)) (i32.const 16))
      (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (unreachable)))))
    (local.get $at))

  ;; $size bytes of the letter a.
  (func $filled (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (call $take (local.get $size) (i32.const 16)))
    (memory.fill (local.get $at) (i32.const 97) (local.get $size))
    (local.get $at))

  ;; A JSON string of $size bytes, quotes included.
  (func $json_string (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (call $filled (local.get $size)))
    (i32.store8 (local.get $at) (i32.const 34))
    (i32.store8 (i32.sub (i32.add (local.get $at) (local.get $size)) (i32.const 1)) (i32.const 34))
    (local.get $at))

  (func $good_realloc (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (call $take (local.get $size) (local.get $align)))
    (memory.copy (local.get $at) (local.get $old)
      (select (local.get $had) (local.get $size) (i32.lt_u (local.get $had) (local.get $size))))
    (local.get $at))
  (func $realloc (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
@realloc@
  )
  (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
    (if (result i32) (global.get $live)
      (then (call $realloc (local.get $old) (local.get $had) (local.get $align) (local.get $size)))
      (else (call $good_realloc (local.get $old) (local.get $had) (local.get $align) (local.get $size)))))

  ;; The answers of `handle`: result<option<outcome>, string>, 80 bytes, every discriminant one byte:
  ;;    0 result: 0 ok, 1 err          4 option<outcome>           8 params: option, 12 pointer, 16 length
  ;;   20 block: option                24 reason: pointer, 28 length
  ;;   32 approval: option             36 title, 44 description: pointer and length each
  ;;   52 severity  56 timeout: option, 60 value                  64 decisions: pointer, 68 length
  ;;   72 attrs: pointer, 76 length
  ;; All zero is ok(none), and `activate`'s ok too.
  (func $none (result i32)
    (memory.fill (i32.const @ret@) (i32.const 0) (i32.const 80))
    (i32.const @ret@))
  (func $outcome (result i32)
    (drop (call $none))
    (i32.store8 offset=4 (i32.const @ret@) (i32.const 1))
    (i32.const @ret@))
  (func $answer_params (param $at i32) (param $len i32) (result i32)
    (i32.store8 offset=8 (call $outcome) (i32.const 1))
    (i32.store offset=12 (i32.const @ret@) (local.get $at))
    (i32.store offset=16 (i32.const @ret@) (local.get $len))
    (i32.const @ret@))
  (func $answer_block (param $at i32) (param $len i32) (result i32)
    (i32.store8 offset=20 (call $outcome) (i32.const 1))
    (i32.store offset=24 (i32.const @ret@) (local.get $at))
    (i32.store offset=28 (i32.const @ret@) (local.get $len))
    (i32.const @ret@))
  (func $answer_decisions (param $at i32) (param $len i32) (result i32)
    (i32.store8 offset=32 (call $outcome) (i32.const 1))
    (i32.store offset=64 (i32.const @ret@) (local.get $at))
    (i32.store offset=68 (i32.const @ret@) (local.get $len))
    (i32.const @ret@))
  (func $answer_attrs (param $at i32) (param $len i32) (result i32)
    (i32.store offset=72 (call $outcome) (local.get $at))
    (i32.store offset=76 (i32.const @ret@) (local.get $len))
    (i32.const @ret@))
  ;; The answer of `describe`: a string.
  (func $text (param $at i32) (param $len i32) (result i32)
    (i32.store (i32.const @ret@) (local.get $at))
    (i32.store offset=4 (i32.const @ret@) (local.get $len))
    (i32.const @ret@))
  ;; What was taken during a call is free again when the host has read the answer.
  (func $release (param i32) (global.set $heap (global.get $base)))

  ;; `handle` takes more than 16 core values, so they arrive in memory: the context (96 bytes), then the event (its tool name at 96).
  ;; The two borrowed handles in it, options at 24 and 32, have to be dropped before the call ends.
  (func $handle (param $call i32) (result i32)
@handle@
  )
  (func $drop_borrowed (param $call i32)
    (if (i32.load8_u offset=24 (local.get $call)) (then (call $drop_session (i32.load offset=28 (local.get $call)))))
    (if (i32.load8_u offset=32 (local.get $call)) (then (call $drop_transcript (i32.load offset=36 (local.get $call))))))
@hook@
@plugin@
  (func $describe_body (result i32)
@describe@
  )
  (func $activate_body (result i32)
@activate@
  )
@start@
@module@
)
