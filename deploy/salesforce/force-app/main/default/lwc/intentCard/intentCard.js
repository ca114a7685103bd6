import { LightningElement, api, wire } from 'lwc';
import { getRecord } from 'lightning/uiRecordApi';
import LANG from '@salesforce/i18n/lang';
import { cardOf } from 'c/intentReasons';

/** intentd's fields by canonical name; whoever named them otherwise (salesforce.fields) changes them here, too. */
const FIELDS = {
    score: 'Intent_Score__c',
    tier: 'Intent_Tier__c',
    tier_since: 'Intent_Tier_Since__c',
    headline: 'Intent_Headline__c',
    reasons: 'Intent_Reasons__c',
    cools_on: 'Intent_Cools_On__c',
    verdict: 'Intent_Verdict__c'
};

/** Why a lead or contact has its score. Reads the record's own fields through the platform, and asks nobody else. */
export default class IntentCard extends LightningElement {
    @api recordId;
    @api objectApiName;
    record;
    failed = false;

    /** Optional fields: one that the reader may not see is left out, and the rest is shown. */
    get wanted() {
        return Object.values(FIELDS).map((field) => `${this.objectApiName}.${field}`);
    }

    @wire(getRecord, { recordId: '$recordId', optionalFields: '$wanted' })
    received({ data, error }) {
        this.record = data;
        this.failed = Boolean(error);
    }

    get card() {
        const values = {};
        for (const [name, field] of Object.entries(FIELDS)) {
            values[name] = this.record?.fields?.[field]?.value;
        }
        const card = cardOf(values, new Date(), LANG);
        card.parts = card.parts.map((part) => ({ ...part, style: `width: ${part.share}%` }));
        return card;
    }

    get elapsed() {
        return `width: ${this.card.curve.share}%`;
    }

    get badge() {
        return `tier ${this.card.tier}`;
    }
}
