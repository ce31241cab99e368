"""Predefined roles with their main permissions, written by hand: a partial picture of Google's, for trying and testing.

Source: https://cloud.google.com/iam/docs/roles-permissions. The real roles hold more permissions and change; what a
role holds is to be read from the cloud. A line is `role | title | permissions`, a permission `service.type.verb` or
`service.type.{verb,verb}`; `+role` takes over another role's permissions.
"""

from __future__ import annotations

import re
from functools import cache

_POLICY = "getIamPolicy,setIamPolicy"

ROLES = f"""
aiplatform.user | Vertex AI User | aiplatform.endpoints.{{get,list,predict}} aiplatform.models.{{get,list}}\
 aiplatform.reasoningEngines.{{create,delete,get,list,query,update}} aiplatform.sessions.{{create,get,list}}
aiplatform.viewer | Vertex AI Viewer | aiplatform.endpoints.{{get,list}} aiplatform.models.{{get,list}}\
 aiplatform.reasoningEngines.{{get,list}}
aiplatform.admin | Vertex AI Administrator | +aiplatform.user aiplatform.endpoints.{{create,delete,update}}\
 aiplatform.models.{{delete,upload}} aiplatform.reasoningEngines.{{{_POLICY}}}
artifactregistry.reader | Artifact Registry Reader | artifactregistry.repositories.{{downloadArtifacts,get,list}}\
 artifactregistry.dockerimages.{{get,list}}
artifactregistry.writer | Artifact Registry Writer | +artifactregistry.reader\
 artifactregistry.repositories.uploadArtifacts
bigquery.admin | BigQuery Admin | +bigquery.dataOwner +bigquery.user bigquery.jobs.{{get,listAll,update}}\
 bigquery.reservations.{{create,delete,get,list}}
bigquery.dataEditor | BigQuery Data Editor | +bigquery.dataViewer bigquery.datasets.{{create,updateTag}}\
 bigquery.tables.{{create,delete,update,updateData}} bigquery.routines.{{create,delete,update}}
bigquery.dataOwner | BigQuery Data Owner | +bigquery.dataEditor bigquery.datasets.{{delete,setIamPolicy,update}}\
 bigquery.tables.setIamPolicy
bigquery.dataViewer | BigQuery Data Viewer | bigquery.datasets.{{get,getIamPolicy}}\
 bigquery.tables.{{export,get,getData,getIamPolicy,list}} bigquery.models.{{getData,getMetadata,list}}\
 bigquery.routines.{{get,list}} resourcemanager.projects.{{get,list}}
bigquery.jobUser | BigQuery Job User | bigquery.jobs.create resourcemanager.projects.{{get,list}}
bigquery.metadataViewer | BigQuery Metadata Viewer | bigquery.datasets.{{get,getIamPolicy}}\
 bigquery.tables.{{get,getIamPolicy,list}} resourcemanager.projects.{{get,list}}
bigquery.readSessionUser | BigQuery Read Session User | bigquery.readsessions.{{create,getData,update}}
bigquery.user | BigQuery User | +bigquery.jobUser bigquery.datasets.{{create,get,getIamPolicy}} bigquery.jobs.list\
 bigquery.tables.list bigquery.routines.list
browser | Browser | resourcemanager.folders.{{get,list}} resourcemanager.organizations.get\
 resourcemanager.projects.{{get,getIamPolicy,list}}
cloudasset.viewer | Cloud Asset Viewer | cloudasset.assets.{{exportResource,searchAllIamPolicies,searchAllResources}}
cloudfunctions.invoker | Cloud Functions Invoker | cloudfunctions.functions.invoke
cloudkms.admin | Cloud KMS Admin | cloudkms.keyRings.{{create,get,list,{_POLICY}}}\
 cloudkms.cryptoKeys.{{create,get,list,update,{_POLICY}}} cloudkms.cryptoKeyVersions.{{create,destroy,get,list,update}}
cloudkms.cryptoKeyDecrypter | Cloud KMS CryptoKey Decrypter | cloudkms.cryptoKeyVersions.useToDecrypt
cloudkms.cryptoKeyEncrypter | Cloud KMS CryptoKey Encrypter | cloudkms.cryptoKeyVersions.useToEncrypt
cloudkms.cryptoKeyEncrypterDecrypter | Cloud KMS CryptoKey Encrypter/Decrypter | +cloudkms.cryptoKeyDecrypter\
 +cloudkms.cryptoKeyEncrypter
cloudkms.signerVerifier | Cloud KMS CryptoKey Signer/Verifier | cloudkms.cryptoKeyVersions.{{useToSign,useToVerify,\
viewPublicKey}}
cloudkms.viewer | Cloud KMS Viewer | cloudkms.keyRings.{{get,list}} cloudkms.cryptoKeys.{{get,list}}\
 cloudkms.cryptoKeyVersions.{{get,list}}
cloudsql.client | Cloud SQL Client | cloudsql.instances.{{connect,get}}
cloudtasks.enqueuer | Cloud Tasks Enqueuer | cloudtasks.tasks.{{create,fullView}}
compute.viewer | Compute Viewer | compute.instances.{{get,getIamPolicy,list}} compute.disks.{{get,list}}\
 compute.networks.{{get,list}}
container.clusterViewer | Kubernetes Engine Cluster Viewer | container.clusters.{{get,list}}
container.developer | Kubernetes Engine Developer | +container.clusterViewer container.pods.{{create,delete,get,list}}\
 container.secrets.{{create,delete,get,list}} container.deployments.{{create,delete,get,list,update}}
container.viewer | Kubernetes Engine Viewer | +container.clusterViewer container.pods.{{get,list}}\
 container.deployments.{{get,list}}
datastore.user | Cloud Datastore User | datastore.entities.{{allocateIds,create,delete,get,list,update}}\
 datastore.databases.get
datastore.viewer | Cloud Datastore Viewer | datastore.entities.{{get,list}} datastore.databases.get
discoveryengine.viewer | Discovery Engine Viewer | discoveryengine.dataStores.{{get,list}}\
 discoveryengine.servingConfigs.{{get,search}}
iam.denyAdmin | Deny Admin | iam.denypolicies.{{create,delete,get,list,update}}
iam.denyReviewer | Deny Reviewer | iam.denypolicies.{{get,list}}
iam.operationViewer | IAM Operation Viewer | iam.operations.get
iam.organizationRoleAdmin | Organization Role Administrator | iam.roles.{{create,delete,get,list,undelete,update}}\
 resourcemanager.organizations.{{get,getIamPolicy}} resourcemanager.projects.{{get,getIamPolicy,list}}
iam.principalAccessBoundaryAdmin | Principal Access Boundary Policy Admin | iam.principalaccessboundarypolicies\
.{{bind,create,delete,get,list,searchPolicyBindings,unbind,update}} \
 iam.policybindings.{{get,list}}\
 resourcemanager.projects.{{createPolicyBinding,deletePolicyBinding,searchPolicyBindings,updatePolicyBinding}}\
 resourcemanager.folders.{{createPolicyBinding,deletePolicyBinding,searchPolicyBindings,updatePolicyBinding}}\
 resourcemanager.organizations.{{createPolicyBinding,deletePolicyBinding,searchPolicyBindings,updatePolicyBinding}}
iam.principalAccessBoundaryUser | Principal Access Boundary Policy User | iam.principalaccessboundarypolicies\
.{{bind,get,list,searchPolicyBindings,unbind}} iam.policybindings.{{get,list}}
iam.principalAccessBoundaryViewer | Principal Access Boundary Policy Viewer | iam.principalaccessboundarypolicies\
.{{get,list,searchPolicyBindings}} iam.policybindings.{{get,list}}
iam.roleAdmin | Role Administrator | iam.roles.{{create,delete,get,list,undelete,update}}\
 resourcemanager.projects.{{get,getIamPolicy}}
iam.roleViewer | Role Viewer | iam.roles.{{get,list}} resourcemanager.projects.{{get,getIamPolicy}}
iam.securityAdmin | Security Admin | +iam.securityReviewer resourcemanager.projects.setIamPolicy\
 resourcemanager.folders.setIamPolicy resourcemanager.organizations.setIamPolicy storage.buckets.setIamPolicy\
 pubsub.topics.setIamPolicy pubsub.subscriptions.setIamPolicy secretmanager.secrets.setIamPolicy\
 run.services.setIamPolicy cloudkms.cryptoKeys.setIamPolicy cloudkms.keyRings.setIamPolicy\
 bigquery.datasets.setIamPolicy bigquery.tables.setIamPolicy iam.serviceAccounts.setIamPolicy
iam.securityReviewer | Security Reviewer | iam.roles.{{get,list}} iam.serviceAccounts.{{get,getIamPolicy,list}}\
 iam.serviceAccountKeys.{{get,list}} resourcemanager.projects.{{get,getIamPolicy,list}}\
 resourcemanager.folders.{{get,getIamPolicy,list}} resourcemanager.organizations.{{get,getIamPolicy}}\
 storage.buckets.{{getIamPolicy,list}} pubsub.topics.{{getIamPolicy,list}} pubsub.subscriptions.{{getIamPolicy,list}}\
 secretmanager.secrets.{{getIamPolicy,list}} run.services.{{getIamPolicy,list}}\
 cloudkms.keyRings.{{getIamPolicy,list}} cloudkms.cryptoKeys.{{getIamPolicy,list}}\
 bigquery.datasets.getIamPolicy bigquery.tables.{{getIamPolicy,list}} iam.denypolicies.{{get,list}}\
 iam.workloadIdentityPools.{{get,list}} iam.workloadIdentityPoolProviders.{{get,list}}
iam.serviceAccountAdmin | Service Account Admin | +iam.serviceAccountCreator +iam.serviceAccountDeleter\
 iam.serviceAccounts.{{disable,enable,getIamPolicy,setIamPolicy,undelete,update}} resourcemanager.projects.get
iam.serviceAccountCreator | Create Service Accounts | iam.serviceAccounts.{{create,get,list}}
iam.serviceAccountDeleter | Delete Service Accounts | iam.serviceAccounts.{{delete,get,list}}
iam.serviceAccountKeyAdmin | Service Account Key Admin |\
 iam.serviceAccountKeys.{{create,delete,disable,enable,get,list}}\
 iam.serviceAccounts.{{get,list}}
iam.serviceAccountOpenIdTokenCreator | Service Account OpenID Connect Identity Token Creator |\
 iam.serviceAccounts.getOpenIdToken
iam.serviceAccountTokenCreator | Service Account Token Creator | iam.serviceAccounts.{{get,getAccessToken,\
getOpenIdToken,implicitDelegation,list,signBlob,signJwt}}
iam.serviceAccountUser | Service Account User | iam.serviceAccounts.{{actAs,get,list}} resourcemanager.projects.get
iam.serviceAccountViewer | View Service Accounts | iam.serviceAccounts.{{get,getIamPolicy,list}}\
 iam.serviceAccountKeys.{{get,list}}
iam.workloadIdentityPoolAdmin | IAM Workload Identity Pool Admin |\
 iam.workloadIdentityPools.{{createPolicyBinding,deletePolicyBinding,searchPolicyBindings,updatePolicyBinding}}\
 iam.workloadIdentityPools.{{create,delete,get,list,\
undelete,update}} iam.workloadIdentityPoolProviders.{{create,delete,get,list,undelete,update}}
iam.workloadIdentityPoolViewer | IAM Workload Identity Pool Viewer | iam.workloadIdentityPools.{{get,list}}\
 iam.workloadIdentityPoolProviders.{{get,list}}
iam.workloadIdentityUser | Workload Identity User | iam.serviceAccounts.{{get,getAccessToken,getOpenIdToken,list}}
logging.logWriter | Logs Writer | logging.logEntries.{{create,route}}
logging.viewer | Logs Viewer | logging.logEntries.list logging.logs.list resourcemanager.projects.get
logging.privateLogViewer | Private Logs Viewer | +logging.viewer logging.privateLogEntries.list
monitoring.metricWriter | Monitoring Metric Writer | monitoring.timeSeries.create\
 monitoring.metricDescriptors.{{create,get,list}}
monitoring.viewer | Monitoring Viewer | monitoring.timeSeries.list monitoring.metricDescriptors.{{get,list}}
pubsub.admin | Pub/Sub Admin | +pubsub.editor pubsub.topics.{{{_POLICY}}} pubsub.subscriptions.{{{_POLICY}}}
pubsub.editor | Pub/Sub Editor | +pubsub.publisher +pubsub.subscriber +pubsub.viewer\
 pubsub.topics.{{create,delete,update}} pubsub.subscriptions.{{create,delete,update}}
pubsub.publisher | Pub/Sub Publisher | pubsub.topics.publish
pubsub.subscriber | Pub/Sub Subscriber | pubsub.subscriptions.consume pubsub.topics.attachSubscription\
 pubsub.snapshots.seek
pubsub.viewer | Pub/Sub Viewer | pubsub.topics.{{get,list}} pubsub.subscriptions.{{get,list}}
resourcemanager.folderAdmin | Folder Admin | resourcemanager.folders.{{create,delete,get,list,update,{_POLICY}}}\
 resourcemanager.projects.{{get,{_POLICY},list}}
resourcemanager.organizationAdmin | Organization Administrator | resourcemanager.organizations.{{get,{_POLICY}}}\
 resourcemanager.folders.{{get,{_POLICY},list}} resourcemanager.projects.{{get,{_POLICY},list}}
resourcemanager.projectIamAdmin | Project IAM Admin | iam.policybindings.{{get,list}}\
 resourcemanager.projects.{{get,{_POLICY},createPolicyBinding,deletePolicyBinding,searchPolicyBindings,\
updatePolicyBinding}}
run.admin | Cloud Run Admin | +run.invoker +run.viewer run.services.{{create,delete,{_POLICY},update}}
run.invoker | Cloud Run Invoker | run.routes.invoke run.jobs.run
run.viewer | Cloud Run Viewer | run.services.{{get,getIamPolicy,list}} run.jobs.{{get,list}}
secretmanager.admin | Secret Manager Admin | +secretmanager.secretAccessor +secretmanager.viewer\
 secretmanager.secrets.{{create,delete,setIamPolicy,update}} secretmanager.versions.{{add,destroy,disable,enable}}
secretmanager.secretAccessor | Secret Manager Secret Accessor | secretmanager.versions.access
secretmanager.secretVersionAdder | Secret Manager Secret Version Adder | secretmanager.versions.add
secretmanager.viewer | Secret Manager Viewer | secretmanager.secrets.{{get,getIamPolicy,list}}\
 secretmanager.versions.{{get,list}}
serviceusage.serviceUsageConsumer | Service Usage Consumer | serviceusage.services.{{get,list,use}}
spanner.databaseReader | Cloud Spanner Database Reader |\
 spanner.databases.{{beginReadOnlyTransaction,getDdl,read,select}}\
 spanner.sessions.{{create,delete,get,list}}
spanner.databaseUser | Cloud Spanner Database User | +spanner.databaseReader\
 spanner.databases.{{beginOrRollbackReadWriteTransaction,updateDdl,write}}
storage.admin | Storage Admin | +storage.objectAdmin storage.buckets.{{create,delete,get,list,update,{_POLICY}}}
storage.bucketViewer | Storage Bucket Viewer | storage.buckets.{{get,list}}
storage.legacyBucketOwner | Storage Legacy Bucket Owner | +storage.legacyBucketWriter\
 storage.buckets.{{getIamPolicy,setIamPolicy,update}}
storage.legacyBucketReader | Storage Legacy Bucket Reader | storage.buckets.get storage.objects.list
storage.legacyBucketWriter | Storage Legacy Bucket Writer | +storage.legacyBucketReader\
 storage.objects.{{create,delete}}
storage.legacyObjectReader | Storage Legacy Object Reader | storage.objects.get
storage.objectAdmin | Storage Object Admin | +storage.objectUser storage.objects.{{{_POLICY}}}
storage.objectCreator | Storage Object Creator | storage.objects.create storage.multipartUploads\
.{{abort,create,listParts}}
storage.objectUser | Storage Object User | +storage.objectCreator +storage.objectViewer\
 storage.objects.{{delete,restore,update}}
storage.objectViewer | Storage Object Viewer | storage.objects.{{get,list}} storage.managedFolders.{{get,list}}
workflows.invoker | Workflows Invoker | workflows.executions.{{create,get,list}}
"""

MORE_PERMISSIONS = """
bigquery.datasets.{listEffectiveTags,listTagBindings} storage.buckets.createTagBinding storage.objects.setRetention
aiplatform.endpoints.explain pubsub.topics.detachSubscription
run.executions.{get,list} secretmanager.locations.{get,list} iam.serviceAccounts.createTagBinding
resourcemanager.projects.{create,delete,move,undelete,update} resourcemanager.organizations.getIamPolicy
iam.googleapis.com/workforcePools.get serviceusage.services.{disable,enable} storage.hmacKeys.{create,delete,get,list}
"""
"""Permissions that are in none of the roles above but in the basic ones."""

NOT_IN_CUSTOM_ROLES = """
resourcemanager.organizations.setIamPolicy bigquery.readsessions.update aiplatform.sessions.create
storage.managedFolders.list iam.googleapis.com/workforcePools.get
"""
"""Examples of `customRolesSupportLevel: NOT_SUPPORTED`. Which they are in truth is read from the cloud
(queryTestablePermissions); this set is only there so that the refusal can be tried."""

TESTING_IN_CUSTOM_ROLES = "cloudkms.cryptoKeyVersions.viewPublicKey discoveryengine.servingConfigs.search"
NOT_IN_PROJECT_ROLES = "resourcemanager.projects.list resourcemanager.folders.get resourcemanager.folders.list"
"""Permissions that a custom role of a project cannot hold, only one of an organisation."""

_READ_VERBS = re.compile(r"\.(get|list|search|export|query|read|view|getData|getMetadata|fullView)[A-Za-z]*$")
_NEVER_READ = ("getAccessToken", "getOpenIdToken", "getData")


def expand(text: str) -> list[str]:
    """The permissions of a text with braces."""
    found: list[str] = []
    for word in text.split():
        match = re.fullmatch(r"([^{]+)\{([^}]*)\}", word)
        found += [match[1] + verb for verb in match[2].split(",")] if match else [word]
    return found


@cache
def predefined() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Role name (`roles/…`) → title and permissions, sorted. With the three basic roles."""
    lines = [[part.strip() for part in line.split("|")] for line in ROLES.strip().splitlines()]
    texts = {name: (title, permissions.split()) for name, title, permissions in lines}

    def resolved(name: str) -> set[str]:
        found: set[str] = set()
        for word in texts[name][1]:
            found |= resolved(word[1:]) if word.startswith("+") else set(expand(word))
        return found

    roles = {f"roles/{name}": (title, tuple(sorted(resolved(name)))) for name, (title, _) in texts.items()}
    everything = {permission for _, held in roles.values() for permission in held} | set(expand(MORE_PERMISSIONS))
    reading = {one for one in everything if _READ_VERBS.search(one) and not one.endswith(_NEVER_READ)}
    # An editor changes things, but neither policies, nor roles, nor who may act as a service account.
    governing = re.compile(r"\.(setIamPolicy|getAccessToken|getOpenIdToken|implicitDelegation|signBlob|signJwt)$")
    editing = {one for one in everything if not governing.search(one)}
    editing -= {one for one in everything if one.startswith(("iam.roles.", "iam.denypolicies.", "iam.policybindings."))}
    roles["roles/owner"] = ("Owner", tuple(sorted(everything)))
    roles["roles/editor"] = ("Editor", tuple(sorted(editing | reading)))
    roles["roles/viewer"] = ("Viewer", tuple(sorted(reading)))
    return roles


@cache
def known_permissions() -> frozenset[str]:
    """Every permission of the catalogue."""
    return frozenset(predefined()["roles/owner"][1])
