// Package rules writes what somebody wants without a model: deterministic, without network, in English and German.
//
// The way of a text, file by file from the bottom up:
//
//   - spelling, when, amounts, nouns: words, dates, quantities and money as people write them; carried puts amounts into the text's language.
//   - typed reads what somebody wrote into a form, a chat or a search; subject reads what a page is about; documents knows kinds of files.
//   - tongue holds what a language must have, en and de the two there are: templates with slots.
//   - site is what the config says and what pages taught; fact is one thing somebody did; note is the text in the making with its facts.
//   - gather turns a journey into facts, topics into topics; class says who somebody is; lead chooses what goes first.
//   - slots fills what templates ask for; headline, marks, summary and next write the parts; rules tells the whole.
//
// A file uses those before it, never one behind.
package rules
